/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program's way into memory: its segments, its interpreter's, and the first stack.
 *
 * The stack follows the System V ABI, "Process Initialization": argc, argv, envp and the auxiliary vector
 * upwards from the stack pointer, the strings above.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gio/gio.h>

#include "emulator/core/i18n.h"
#include "emulator/user/process.h"

#define SCRIPT_DEPTH 4
/* What the stack counts for however large it is: Linux gives a new program that much at once. */
#define STACK_COUNTS ((uint64_t)132 << 10)

static bool io_error(GError **error, const char *file, int number)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), _("Cannot load %s: %s."), file,
                g_strerror(number));
    return false;
}

bool user_load_headers(const char *file, struct elf_image *image, GMappedFile **map, GError **error)
{
    GError *problem = NULL;

    int fd = open(file, O_RDONLY | O_CLOEXEC);

    *map = fd >= 0 ? g_mapped_file_new_from_fd(fd, FALSE, &problem) : NULL;
    if (!*map) {
        int number = errno;

        /* What cannot be mapped is a folder, a device and the like. */
        g_set_error(error, G_FILE_ERROR, fd >= 0 ? G_FILE_ERROR_NODEV : g_file_error_from_errno(number),
                    _("Cannot load %s: %s."), file, fd >= 0 ? _("it is no ordinary file") : g_strerror(number));
        g_clear_error(&problem);
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    if (!elf_parse((const uint8_t *)g_mapped_file_get_contents(*map), g_mapped_file_get_length(*map), image,
                   &problem)) {
        g_propagate_prefixed_error(error, problem, "%s: ", file);
        g_clear_pointer(map, g_mapped_file_unref);
        return false;
    }
    return true;
}

/* The first program of that name in a folder of PATH; `below`: only one below the sysroot. */
static char *find_along(const struct user_process *process, char **folders, const char *name, bool below)
{
    for (char **folder = folders; *folder; folder++) {
        g_autofree char *candidate = g_build_filename(**folder ? *folder : ".", name, NULL);
        g_autofree char *file = user_path(process, candidate), *inside = user_path_inside(process, file);

        if ((!below || !g_str_equal(inside, file)) && g_file_test(file, G_FILE_TEST_IS_REGULAR) &&
            access(file, X_OK) == 0)
            return g_steal_pointer(&candidate);
    }
    return NULL;
}

char *user_find_program(const struct user_process *process, const char *name, GError **error)
{
    const char *path = g_getenv("PATH");
    g_auto(GStrv) folders = NULL;

    if (strchr(name, '/')) {
        g_autofree char *file = user_path(process, name);

        if (access(file, F_OK) == 0)
            return g_strdup(name);
    } else {
        folders = g_strsplit(path ? path : "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", ":", -1);
        /* The host's /usr/bin/true would hide the /bin/true of an older system. */
        char *found = process->options.sysroot ? find_along(process, folders, name, true) : NULL;
        if (!found)
            found = find_along(process, folders, name, false);
        if (found)
            return found;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, _("%s was not found."), name);
    return NULL;
}

bool user_resolve_script(const struct user_process *process, char **file, char **name, char ***argv,
                         GError **error)
{
    for (int depth = 0; depth < SCRIPT_DEPTH; depth++) {
        char line[256];
        int fd = open(*file, O_RDONLY | O_CLOEXEC);
        ssize_t n;
        char *at, *interpreter, *option;
        GPtrArray *list;

        if (fd < 0)
            return io_error(error, *file, errno);
        n = read(fd, line, sizeof(line) - 1);
        close(fd);
        if (n < 2 || line[0] != '#' || line[1] != '!')
            return true;
        line[n] = 0;
        line[strcspn(line, "\n")] = 0;
        at = line + 2 + strspn(line + 2, " \t");
        interpreter = at;
        at += strcspn(at, " \t");
        if (*at)
            *at++ = 0;
        option = g_strstrip(at);
        if (!*interpreter)
            return io_error(error, *file, ENOEXEC);
        list = g_ptr_array_new();
        g_ptr_array_add(list, g_strdup(interpreter));
        if (*option)
            g_ptr_array_add(list, g_strdup(option));
        g_ptr_array_add(list, g_steal_pointer(name));
        for (char **rest = *argv + (**argv ? 1 : 0); *rest; rest++)
            g_ptr_array_add(list, g_strdup(*rest));
        g_ptr_array_add(list, NULL);
        g_strfreev(*argv);
        *argv = (char **)g_ptr_array_free(list, FALSE);
        *name = g_strdup(interpreter);
        g_free(*file);
        *file = user_path(process, interpreter);
    }
    return io_error(error, *file, ELOOP);
}

/* ---------------------------------------------------------------------------------------------- segments */

static bool memory_error(GError **error, int64_t result)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno((int)-result),
                _("The program does not fit into its address space: %s."), g_strerror((int)-result));
    return false;
}

static int segment_prot(const struct elf_segment *s)
{
    return (s->flags & ELF_PF_R ? PROT_READ : 0) | (s->flags & ELF_PF_W ? PROT_WRITE : 0) |
           (s->flags & ELF_PF_X ? PROT_EXEC : 0);
}

static bool load_segment(struct user_mem *mem, const struct elf_segment *s, uint64_t bias, int fd,
                         GMappedFile *map, GError **error)
{
    uint64_t start = s->address + bias, first = start & USER_PAGE_MASK, file_end = start + s->file_size;
    uint64_t end = (start + s->memory_size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    uint64_t mapped_end; /* pages from here on are fresh */
    int prot = segment_prot(s);
    /* The page may hold the end of the segment before: then its bytes are copied into it. */
    bool shares = user_mem_page(mem, first) & USER_PAGE_MAPPED;
    bool copies = shares || ((s->offset ^ start) & ~USER_PAGE_MASK) != 0;
    int64_t result;

    if (shares) {
        unsigned bits = user_mem_page(mem, first);

        prot |= (bits & USER_PAGE_READ ? PROT_READ : 0) | (bits & USER_PAGE_WRITE ? PROT_WRITE : 0) |
                (bits & USER_PAGE_EXEC ? PROT_EXEC : 0);
    }
    if (copies || s->file_size == 0) {
        mapped_end = shares ? first + USER_PAGE_SIZE : first;
    } else {
        mapped_end = (file_end + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
        result = user_mem_map(mem, first, mapped_end - first, prot | PROT_WRITE,
                              MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, fd, s->offset & USER_PAGE_MASK);
        if (result < 0)
            return memory_error(error, result);
    }
    if (end > mapped_end) {
        result = user_mem_map(mem, mapped_end, end - mapped_end, prot | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
        if (result < 0)
            return memory_error(error, result);
    }
    if (shares && (result = user_mem_protect(mem, first, USER_PAGE_SIZE, prot | PROT_WRITE)) < 0)
        return memory_error(error, result);
    if (copies) {
        if (!user_mem_write(mem, start, g_mapped_file_get_contents(map) + s->offset, s->file_size))
            return memory_error(error, -EFAULT);
    } else if (s->memory_size > s->file_size && mapped_end > file_end && s->file_size) {
        static const uint8_t zeros[USER_PAGE_SIZE];

        /* To the end of the page, as the kernel does: dynamic linkers count on it. */
        if (!user_mem_write(mem, file_end, zeros, mapped_end - file_end))
            return memory_error(error, -EFAULT);
    }
    if ((result = user_mem_protect(mem, first, end - first, prot)) < 0)
        return memory_error(error, result);
    return true;
}

static bool load_image(struct user_process *process, const char *file, const struct elf_image *image,
                       GMappedFile *map, uint64_t bias, GError **error)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool good = true;

    if (fd < 0)
        return io_error(error, file, errno);
    if (image->high + bias > process->mem.limit || image->high + bias < image->high)
        good = memory_error(error, -ENOMEM);
    for (unsigned i = 0; good && i < image->n_segments; i++)
        good = load_segment(&process->mem, &image->segments[i], bias, fd, map, error);
    close(fd);
    return good;
}

/* ------------------------------------------------------------------------------------------------- stack */

struct stack {
    struct user_process *process;
    uint64_t at;
    bool good;
};

static uint64_t push_bytes(struct stack *s, const void *bytes, size_t n)
{
    s->at -= n;
    s->good = s->good && user_mem_write(&s->process->mem, s->at, bytes, n);
    return s->at;
}

static uint64_t push_string(struct stack *s, const char *text)
{
    return push_bytes(s, text, strlen(text) + 1);
}

static uint64_t *push_strings(struct stack *s, char **list, unsigned *count)
{
    uint64_t *where;

    *count = g_strv_length(list);
    where = g_new(uint64_t, *count + 1);
    for (unsigned i = *count; i-- > 0;)
        where[i] = push_string(s, list[i]);
    where[*count] = 0;
    return where;
}

static bool make_stack(struct user_process *process, uint64_t base, uint64_t entry, const char *name,
                       char **envp, uint64_t *sp, GError **error)
{
    const struct user_arch *arch = process->arch;
    unsigned word = arch->abi->word, argc, envc, n = 0;
    struct stack s = {process, arch->task_size - USER_PAGE_SIZE, true};
    uint64_t size = user_limits_stack(process), platform, execfn, random, at, room = 0;
    g_autofree uint64_t *args = NULL, *environment = NULL;
    char **argv = process->arguments;
    uint8_t noise[16];
    uint64_t aux[40];
    int64_t result;

    for (char **p = argv; *p; p++)
        room += strlen(*p) + 1 + word;
    for (char **p = envp; *p; p++)
        room += strlen(*p) + 1 + word;
    if (room > size / 2) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                    _("Arguments and environment are too long for the stack."));
        return false;
    }
    result = user_mem_map(&process->mem, s.at - size, size,
                          PROT_READ | PROT_WRITE | (process->image.stack_executable ? PROT_EXEC : 0),
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_GROWSDOWN, -1, 0);
    if (result < 0)
        return memory_error(error, result);
    process->mem.mapped += STACK_COUNTS;

    process->stack_low = s.at - size;
    process->stack_high = s.at;
    s.at -= word; /* a word of zeros ends the stack */
    execfn = push_string(&s, name);
    process->environment_end = s.at;
    environment = push_strings(&s, envp, &envc);
    process->arguments_end = s.at;
    args = push_strings(&s, argv, &argc);
    process->arguments_at = s.at;
    platform = push_string(&s, arch->platform(process->model));
    if (getrandom(noise, sizeof(noise), 0) != sizeof(noise))
        memset(noise, 0x5a, sizeof(noise));
    s.at &= ~(uint64_t)15;
    random = push_bytes(&s, noise, sizeof(noise));

#define AUX(type, value) (aux[n++] = (type), aux[n++] = (value))
    if (process->image.program_headers) {
        AUX(AT_PHDR, process->image.program_headers + process->load_bias);
        AUX(AT_PHENT, process->image.phentsize);
        AUX(AT_PHNUM, process->image.phnum);
    }
    AUX(AT_PAGESZ, USER_PAGE_SIZE);
    AUX(AT_BASE, base);
    AUX(AT_FLAGS, 0);
    AUX(AT_ENTRY, entry);
    AUX(AT_UID, getuid());
    AUX(AT_EUID, geteuid());
    AUX(AT_GID, getgid());
    AUX(AT_EGID, getegid());
    AUX(AT_PLATFORM, platform);
    AUX(AT_HWCAP, arch->hwcap(process->model));
    AUX(AT_HWCAP2, 0);
    AUX(AT_CLKTCK, 100);
    AUX(AT_SECURE, 0);
    AUX(AT_RANDOM, random);
    AUX(AT_EXECFN, execfn);
    AUX(AT_NULL, 0);
#undef AUX

    /* argc, argv and its end, envp and its end, auxv: argc must be aligned. */
    s.at -= (uint64_t)(1 + argc + 1 + envc + 1 + n) * word;
    s.at &= ~(uint64_t)15;
    at = s.at;
    s.good = s.good && user_mem_put(&process->mem, at, word, argc);
    for (unsigned i = 0; i <= argc; i++)
        s.good = s.good && user_mem_put(&process->mem, at += word, word, args[i]);
    for (unsigned i = 0; i <= envc; i++)
        s.good = s.good && user_mem_put(&process->mem, at += word, word, environment[i]);
    for (unsigned i = 0; i < n; i++) {
        uint8_t packed[8];

        user_store(packed, word, aux[i], arch->abi->big_endian);
        g_byte_array_append(process->auxv, packed, word);
        s.good = s.good && user_mem_write(&process->mem, at += word, packed, word);
    }
    if (!s.good)
        return memory_error(error, -EFAULT);
    process->stack_start = s.at;
    *sp = s.at - arch->stack_reserve;
    return true;
}

bool user_load_program(struct user_process *process, struct user_thread *thread, GMappedFile *map,
                       const char *name, char **envp, GError **error)
{
    const struct user_arch *arch = process->arch;
    uint64_t entry, base = 0, start, sp = 0, heap;

    process->mem.read_is_execute = !process->image.tells_executable || !arch->knows_execute(process->model);
    if (arch->map_kernel_pages && !arch->map_kernel_pages(process, error))
        return false;
    process->load_bias = process->image.type == ELF_DYN ? arch->dyn_base : 0;
    if (!load_image(process, process->exe, &process->image, map, process->load_bias, error))
        return false;
    start = entry = process->image.entry + process->load_bias;
    heap = (process->image.high + process->load_bias + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    process->mem.brk_start = process->mem.brk = heap;
    for (unsigned i = 0; i < process->image.n_segments; i++) {
        const struct elf_segment *s = &process->image.segments[i];

        if (s->flags & ELF_PF_W && !(s->flags & ELF_PF_X))
            process->mem.segment = MAX(process->mem.segment, s->file_size);
    }

    if (process->image.interpreter) {
        g_autofree char *file = user_path(process, process->image.interpreter);
        g_autoptr(GMappedFile) linker_map = NULL;
        struct elf_image linker;
        bool good;

        if (access(file, F_OK) != 0) {
            g_set_error(
                error, G_IO_ERROR, g_io_error_from_errno(errno),
                _("%s needs the dynamic linker %s, which is not there: name the folder of the program's "
                  "own system as its sysroot."),
                process->exe, process->image.interpreter);
            return false;
        }
        if (!user_load_headers(file, &linker, &linker_map, error))
            return false;
        if (user_find_arch(&linker) != arch) {
            g_set_error(error, ELF_ERROR, ELF_ERROR_UNSUITABLE, _("%s is for another processor than %s."), file,
                        process->exe);
            elf_image_finish(&linker);
            return false;
        }
        base = linker.type == ELF_DYN ? arch->mmap_base - (linker.low & USER_PAGE_MASK) : 0;
        good = load_image(process, file, &linker, linker_map, base, error);
        start = linker.entry + base;
        elf_image_finish(&linker);
        if (!good)
            return false;
    }
    if (!make_stack(process, base, entry, name, envp, &sp, error))
        return false;
    arch->start(thread->cpu, start, sp);
    return true;
}

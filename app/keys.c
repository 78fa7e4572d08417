/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of a US keyboard: what types a character, and what a key is called. */
#include "app/keys.h"

#include <linux/input-event-codes.h>
#include <string.h>

struct named_key {
    const char *name;
    unsigned code;
};

static const struct named_key named_keys[] = {{"Ctrl", KEY_LEFTCTRL},
                                              {"RightCtrl", KEY_RIGHTCTRL},
                                              {"Alt", KEY_LEFTALT},
                                              {"AltGr", KEY_RIGHTALT},
                                              {"Shift", KEY_LEFTSHIFT},
                                              {"Meta", KEY_LEFTMETA},
                                              {"Escape", KEY_ESC},
                                              {"Tab", KEY_TAB},
                                              {"Return", KEY_ENTER},
                                              {"Enter", KEY_ENTER},
                                              {"Backspace", KEY_BACKSPACE},
                                              {"Delete", KEY_DELETE},
                                              {"Insert", KEY_INSERT},
                                              {"Home", KEY_HOME},
                                              {"End", KEY_END},
                                              {"PageUp", KEY_PAGEUP},
                                              {"PageDown", KEY_PAGEDOWN},
                                              {"Space", KEY_SPACE},
                                              {"Stop", KEY_STOP},
                                              {"Again", KEY_AGAIN},
                                              {"Props", KEY_PROPS},
                                              {"Undo", KEY_UNDO},
                                              {"Front", KEY_FRONT},
                                              {"Copy", KEY_COPY},
                                              {"Open", KEY_OPEN},
                                              {"Paste", KEY_PASTE},
                                              {"Find", KEY_FIND},
                                              {"Cut", KEY_CUT},
                                              {"Help", KEY_HELP},
                                              {"Print", KEY_SYSRQ},
                                              {"Pause", KEY_PAUSE},
                                              {"Power", KEY_POWER},
                                              {"Menu", KEY_COMPOSE},
                                              {"F1", KEY_F1},
                                              {"F2", KEY_F2},
                                              {"F3", KEY_F3},
                                              {"F4", KEY_F4},
                                              {"F5", KEY_F5},
                                              {"F6", KEY_F6},
                                              {"F7", KEY_F7},
                                              {"F8", KEY_F8},
                                              {"F9", KEY_F9},
                                              {"F10", KEY_F10},
                                              {"F11", KEY_F11},
                                              {"F12", KEY_F12}};

static const unsigned letters[26] = {KEY_A, KEY_B, KEY_C, KEY_D, KEY_E, KEY_F, KEY_G, KEY_H, KEY_I,
                                     KEY_J, KEY_K, KEY_L, KEY_M, KEY_N, KEY_O, KEY_P, KEY_Q, KEY_R,
                                     KEY_S, KEY_T, KEY_U, KEY_V, KEY_W, KEY_X, KEY_Y, KEY_Z};

struct symbol {
    char plain, shifted;
    unsigned code;
};

static const struct symbol symbols[] = {
    {'1', '!', KEY_1},         {'2', '@', KEY_2},           {'3', '#', KEY_3},
    {'4', '$', KEY_4},         {'5', '%', KEY_5},           {'6', '^', KEY_6},
    {'7', '&', KEY_7},         {'8', '*', KEY_8},           {'9', '(', KEY_9},
    {'0', ')', KEY_0},         {'-', '_', KEY_MINUS},       {'=', '+', KEY_EQUAL},
    {'[', '{', KEY_LEFTBRACE}, {']', '}', KEY_RIGHTBRACE},  {'\\', '|', KEY_BACKSLASH},
    {';', ':', KEY_SEMICOLON}, {'\'', '"', KEY_APOSTROPHE}, {'`', '~', KEY_GRAVE},
    {',', '<', KEY_COMMA},     {'.', '>', KEY_DOT},         {'/', '?', KEY_SLASH},
    {' ', 0, KEY_SPACE},       {'\n', 0, KEY_ENTER},        {'\r', 0, KEY_ENTER},
    {'\t', 0, KEY_TAB},        {'\b', 0, KEY_BACKSPACE},    {'\033', 0, KEY_ESC}};

bool keys_for_character(gunichar character, unsigned *code, bool *shift)
{
    *shift = false;
    if (character == 0 || character > 127)
        return false;
    if (g_ascii_isalpha((char)character)) {
        *shift = g_ascii_isupper((char)character);
        *code = letters[g_ascii_tolower((char)character) - 'a'];
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        if (symbols[i].plain == (char)character || symbols[i].shifted == (char)character) {
            *shift = symbols[i].shifted == (char)character;
            *code = symbols[i].code;
            return true;
        }
    }
    return false;
}

static bool key_named(const char *name, unsigned *code)
{
    bool shift;

    for (size_t i = 0; i < G_N_ELEMENTS(named_keys); i++) {
        if (g_ascii_strcasecmp(named_keys[i].name, name) == 0) {
            *code = named_keys[i].code;
            return true;
        }
    }
    return strlen(name) == 1 && keys_for_character((guchar)name[0], code, &shift);
}

bool keys_parse_chord(const char *text, unsigned *codes, unsigned max)
{
    g_auto(GStrv) names = g_strsplit(text, "+", -1);
    unsigned count = 0;

    for (; names[count]; count++) {
        if (count + 1 >= max || !key_named(g_strstrip(names[count]), &codes[count]))
            return false;
    }
    codes[count] = 0;
    return count > 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One textured rectangle through libepoxy. */
#include "app/ui/screen_gl.h"

#include "app/i18n.h"

#include <epoxy/gl.h>
#include <gio/gio.h>

/* The rectangle comes as x, y, width, height in clip space; corner by gl_VertexID, so that no buffer is
 * needed. */
static const char vertex_source[] =
    "uniform vec4 rectangle;\n"
    "out vec2 position;\n"
    "void main() {\n"
    "    vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));\n"
    "    position = corner;\n"
    "    gl_Position = vec4(rectangle.xy + corner * rectangle.zw, 0.0, 1.0);\n"
    "}\n";

/*
 * Pixels are uploaded as bytes B G R X; the swizzle puts them right. Mode 2, sharp bilinear: inside a guest
 * pixel the colour is flat, and only the one device pixel at its edge is blended, so that uneven factors stay
 * crisp and even. Effect 1, a tube: bulged glass with round corners (on which whole steps would tear letters: sharp
 * bilinear there, too), lines with gaps that show from twice the size on, a mask of red, green and blue stripes, light
 * that spills over. Effect 2, a liquid crystal: a dark grid between pixels, and in each three cells. Neither makes
 * anything brighter than it is: white must not swallow pale colours.
 */
static const char fragment_source[] =
    "uniform sampler2D picture;\n"
    "uniform vec2 size;\n"
    "uniform vec2 scale;\n"
    "uniform int mode;\n"
    "uniform int effect;\n"
    "in vec2 position;\n"
    "out vec4 colour;\n"
    "void main() {\n"
    "    vec2 place = position;\n"
    "    float shade = 1.0;\n"
    "    if (effect == 1) {\n"
    "        vec2 c = position * 2.0 - 1.0;\n"
    "        c *= 1.0 + 0.02 * c.yx * c.yx;\n"
    "        place = c * 0.5 + 0.5;\n"
    "        vec2 half_size = size * scale * 0.5;\n"
    "        float radius = 0.025 * half_size.y;\n"
    "        vec2 corner = max(abs(c) * half_size - half_size + radius, 0.0);\n"
    "        float glass = clamp(radius - length(corner) + 0.5, 0.0, 1.0);\n"
    "        shade = glass * (1.0 - 0.06 * dot(c, c));\n"
    "    }\n"
    "    vec2 texel = place * size;\n"
    "    vec2 at = place;\n"
    "    if (mode == 1 && effect != 1) {\n"
    "        at = (floor(texel) + 0.5) / size;\n"
    "    } else if (mode != 0) {\n"
    "        vec2 factor = max(floor(scale), vec2(1.0));\n"
    "        vec2 flat_half = 0.5 - 0.5 / factor;\n"
    "        vec2 from_centre = fract(texel) - 0.5;\n"
    "        vec2 blend = (from_centre - clamp(from_centre, -flat_half, flat_half)) * factor + 0.5;\n"
    "        at = (floor(texel) + blend) / size;\n"
    "    }\n"
    "    vec3 light = texture(picture, at).bgr;\n"
    "    if (effect == 1) {\n"
    "        vec2 step = 1.0 / size;\n"
    "        vec3 around = texture(picture, at + vec2(step.x, 0.0)).bgr + texture(picture, at - vec2(step.x, 0.0)).bgr\n"
    "            + texture(picture, at + vec2(0.0, step.y)).bgr + texture(picture, at - vec2(0.0, step.y)).bgr;\n"
    "        light = 0.8 * light + 0.05 * around;\n"
    "        float line = 0.5 + 0.5 * cos((fract(texel.y) - 0.5) * 6.2831853);\n"
    "        float depth = clamp((scale.y - 1.0) * 0.35, 0.0, 0.35);\n"
    "        float stripe = mod(floor(gl_FragCoord.x), 3.0);\n"
    "        vec3 mask = vec3(stripe == 0.0 ? 1.0 : 0.88, stripe == 1.0 ? 1.0 : 0.88, stripe == 2.0 ? 1.0 : 0.88);\n"
    "        light *= (1.0 - depth * (1.0 - line)) * mask * shade;\n"
    "    } else if (effect == 2) {\n"
    "        vec2 inside = fract(texel);\n"
    "        vec2 edge = clamp(min(inside, 1.0 - inside) * scale, 0.0, 1.0);\n"
    "        float grid = scale.x >= 2.0 ? mix(0.72, 1.0, min(edge.x, edge.y)) : 1.0;\n"
    "        float third = floor(inside.x * 3.0);\n"
    "        vec3 cell = scale.x >= 3.0 ? vec3(third == 0.0 ? 1.0 : 0.84, third == 1.0 ? 1.0 : 0.84,\n"
    "                                          third == 2.0 ? 1.0 : 0.84) : vec3(1.0);\n"
    "        light *= grid * cell;\n"
    "    }\n"
    "    colour = vec4(light, 1.0);\n"
    "}\n";

static GLuint compile(GLenum type, gboolean es, const char *source, GError **error)
{
    const char *parts[] = {
        es ? "#version 300 es\nprecision highp float;\nprecision highp int;\n" : "#version 150\n", source};
    GLuint shader = glCreateShader(type);
    GLint ok = GL_FALSE;

    glShaderSource(shader, G_N_ELEMENTS(parts), parts, NULL);
    glCompileShader(shader);
    glGetShaderiv(shader, GL_COMPILE_STATUS, &ok);
    if (!ok) {
        char log[512] = "";
        glGetShaderInfoLog(shader, sizeof(log), NULL, log);
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", log);
        glDeleteShader(shader);
        return 0;
    }
    return shader;
}

gboolean screen_gl_init(struct screen_gl *gl, gboolean es, GError **error)
{
    GLuint vertex = compile(GL_VERTEX_SHADER, es, vertex_source, error);
    GLuint fragment = vertex ? compile(GL_FRAGMENT_SHADER, es, fragment_source, error) : 0;
    GLint ok = GL_FALSE;

    if (!vertex || !fragment) {
        glDeleteShader(vertex);
        return FALSE;
    }
    gl->program = glCreateProgram();
    glAttachShader(gl->program, vertex);
    glAttachShader(gl->program, fragment);
    glLinkProgram(gl->program);
    glDeleteShader(vertex);
    glDeleteShader(fragment);
    glGetProgramiv(gl->program, GL_LINK_STATUS, &ok);
    if (!ok) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, "OpenGL cannot link the shaders.");
        screen_gl_finish(gl);
        return FALSE;
    }
    gl->rectangle_location = glGetUniformLocation(gl->program, "rectangle");
    gl->size_location = glGetUniformLocation(gl->program, "size");
    gl->scale_location = glGetUniformLocation(gl->program, "scale");
    gl->mode_location = glGetUniformLocation(gl->program, "mode");
    gl->effect_location = glGetUniformLocation(gl->program, "effect");
    glGenVertexArrays(1, &gl->vertex_array);
    glGenTextures(1, &gl->texture);
    glBindTexture(GL_TEXTURE_2D, gl->texture);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    return TRUE;
}

void screen_gl_finish(struct screen_gl *gl)
{
    if (gl->program)
        glDeleteProgram(gl->program);
    if (gl->vertex_array)
        glDeleteVertexArrays(1, &gl->vertex_array);
    if (gl->texture)
        glDeleteTextures(1, &gl->texture);
    *gl = (struct screen_gl){0};
}

void screen_gl_upload(struct screen_gl *gl, const struct engine_frame *frame)
{
    int x = frame->damage_x, y = frame->damage_y, width = frame->damage_width, height = frame->damage_height;

    glBindTexture(GL_TEXTURE_2D, gl->texture);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
    glPixelStorei(GL_UNPACK_ROW_LENGTH, frame->stride);
    if (gl->texture_width != frame->width || gl->texture_height != frame->height) {
        glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, frame->width, frame->height, 0, GL_RGBA, GL_UNSIGNED_BYTE,
                     frame->pixels);
        gl->texture_width = frame->width;
        gl->texture_height = frame->height;
    } else {
        x = CLAMP(x, 0, frame->width);
        y = CLAMP(y, 0, frame->height);
        width = CLAMP(width, 0, frame->width - x);
        height = CLAMP(height, 0, frame->height - y);
        if (width > 0 && height > 0)
            glTexSubImage2D(GL_TEXTURE_2D, 0, x, y, width, height, GL_RGBA, GL_UNSIGNED_BYTE,
                            frame->pixels + (gsize)y * (gsize)frame->stride + x);
    }
    glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
}

void screen_gl_draw(struct screen_gl *gl, int viewport_width, int viewport_height, double x, double y,
                    double width, double height, enum scaling scaling, enum effect effect)
{
    glClearColor(0, 0, 0, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    if (gl->texture_width == 0)
        return;
    glUseProgram(gl->program);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, gl->texture);
    /* Clip space runs upwards, pictures downwards. */
    glUniform4f(gl->rectangle_location, (float)(x / viewport_width * 2 - 1),
                (float)(1 - y / viewport_height * 2), (float)(width / viewport_width * 2),
                (float)(-height / viewport_height * 2));
    glUniform2f(gl->size_location, (float)gl->texture_width, (float)gl->texture_height);
    glUniform2f(gl->scale_location, (float)(width / gl->texture_width), (float)(height / gl->texture_height));
    glUniform1i(gl->mode_location, (int)scaling);
    glUniform1i(gl->effect_location, (int)effect);
    glBindVertexArray(gl->vertex_array);
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    glBindVertexArray(0);
    glUseProgram(0);
}

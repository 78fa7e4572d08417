/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An audio back end that writes what is played to a WAV file (RIFF, PCM, 16 bits; Microsoft/IBM, "Multimedia
 * Programming Interface and Data Specifications 1.0"). The format of the first start() is the file's; a later
 * start() with another rate is resampled to it (nearest sample). Records nothing. A disk that fills up ends
 * the file, not the machine.
 */
#pragma once

#include "emulator/core/backends.h"

/* The file is made (or emptied) now and complete after audio_backend_free(). */
struct audio_backend *audio_wav_new(struct machine *machine, const char *path, GError **error);

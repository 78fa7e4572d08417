/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An audio back end without a loudspeaker: takes everything, records nothing. */
#pragma once

#include "emulator/core/backends.h"

struct audio_backend *audio_null_new(struct machine *machine);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vitrine image: disk images on the command line.
 *
 * Exit statuses: 0 done, 1 failed, 2 wrong usage. Of `check`: 0 clean, 1 could not be checked, 2 damaged,
 * 3 leaked clusters only. Of `compare`: 0 same, 1 different or failed.
 */
#ifndef VITRINE_CLI_IMAGE_H
#define VITRINE_CLI_IMAGE_H

/* argv[0] is the word "image", argv[1] the sub-command. Returns the exit status. */
int cli_image(int argc, char **argv);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placeholder translation unit so that the empty library links; replaced by the image formats. */
int images_version(void);
int images_version(void)
{
    return 1;
}

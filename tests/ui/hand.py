#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hand.py TEXT [FILE…]: another program of the desktop, for tests: TEXT is in the clipboard, and its window “Hand” is the FILEs,
to be dragged from there."""

import sys

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, Gio, GLib, GObject, Gtk  # noqa: E402


def main(text, paths):
    Gtk.init()
    window = Gtk.Window(title="Hand", default_width=120, default_height=80, child=Gtk.Label(label=" ".join(paths)[-12:]))
    source = Gtk.DragSource(actions=Gdk.DragAction.COPY)

    def prepare(source, x, y):
        files = Gdk.FileList.new_from_list([Gio.File.new_for_path(path) for path in paths])
        return Gdk.ContentProvider.new_for_value(GObject.Value(Gdk.FileList, files))

    source.connect("prepare", prepare)
    window.add_controller(source)
    window.present()
    window.get_clipboard().set_content(Gdk.ContentProvider.new_for_value(GObject.Value(GObject.TYPE_STRING, text)))
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

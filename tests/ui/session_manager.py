#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""session_manager.py: what a program sees of a desktop's session (org.gnome.SessionManager), said to it in lines on stdin:
"query" asks whether the session may end, "end" ends it. What the program answers is printed, a line each."""

import sys

from gi.repository import Gio, GLib

MANAGER = Gio.DBusNodeInfo.new_for_xml("""<node><interface name="org.gnome.SessionManager">
<method name="RegisterClient"><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
<method name="UnregisterClient"><arg type="o" direction="in"/></method>
<method name="Inhibit"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="u" direction="in"/><arg type="u" direction="out"/></method>
<method name="Uninhibit"><arg type="u" direction="in"/></method>
<property name="SessionIsActive" type="b" access="read"/>
</interface></node>""").interfaces[0]
CLIENT = Gio.DBusNodeInfo.new_for_xml("""<node><interface name="org.gnome.SessionManager.ClientPrivate">
<method name="EndSessionResponse"><arg type="b" direction="in"/><arg type="s" direction="in"/></method>
<signal name="QueryEndSession"><arg type="u"/></signal><signal name="EndSession"><arg type="u"/></signal>
</interface></node>""").interfaces[0]
PLACE = "/org/gnome/SessionManager/Client1"
ANSWERS = {"RegisterClient": GLib.Variant("(o)", (PLACE,)), "Inhibit": GLib.Variant("(u)", (7,))}


def called(connection, sender, path, interface, method, arguments, invocation):
    print(method, *arguments.unpack(), flush=True)
    invocation.return_value(ANSWERS.get(method))


def told(channel, condition, connection):
    line = sys.stdin.readline().strip()
    if not line:
        loop.quit()
        return False
    connection.emit_signal(None, PLACE, CLIENT.name, {"query": "QueryEndSession", "end": "EndSession"}[line],
                           GLib.Variant("(u)", (0,)))
    return True


def on_bus(connection, name):
    connection.register_object("/org/gnome/SessionManager", MANAGER, called, lambda *_: GLib.Variant("b", True), None)
    connection.register_object(PLACE, CLIENT, called, None, None)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, told, connection)


Gio.bus_own_name(Gio.BusType.SESSION, "org.gnome.SessionManager", Gio.BusNameOwnerFlags.NONE, on_bus,
                 lambda *_: print("ready", flush=True), lambda *_: loop.quit())
loop = GLib.MainLoop()
loop.run()

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "shell_internal.h"

/* clang-format off */
static const shell_command_t s_commands[] = {
    {"app",      "start|stop|pause|resume|restart NAME", "control an app", cmd_app},
    {"apps",     "", "apps, their states and lives", cmd_apps},
    {"audio",    "[volume PERCENT | mute | unmute | tone HZ MS | fault KIND]",
                 "the loudspeaker; KIND is none, unplugged, stuck, short or wrong", cmd_audio},
    {"autostart", "APP on|off", "start an installed app at boot, or not", cmd_autostart},
    {"blackbox", "[N]", "how this boot came about, and the last N records that survive a reset", cmd_blackbox},
    {"bt",       "[advertise on|off | scan MS | connect ADDRESS | disconnect LINK | pair LINK [PASSKEY] | discover LINK |"
                 " read LINK HANDLE | write LINK HANDLE HEX | notify LINK HANDLE on|off | forget | fault KIND]",
                 "the Bluetooth radio; forget all who have paired; KIND is none, unplugged, stuck, short or wrong", cmd_bt},
    {"deps",     "", "who needs whom, and the start order", cmd_deps},
    {"display",  "[brightness PERCENT | turn DEGREES | sleep | wake | show APP | toast TEXT | fault KIND]",
                 "the screen; KIND is none, unplugged, stuck, short or wrong", cmd_display},
    {"events",   "[tap [PATTERN [SECONDS]] | tap off]",
                 "event types and counts of the bus; a tap shows events as they are delivered (one type alone: all of their payloads), and other commands go on", cmd_events},
    {"firmware", "[confirm|back]", "which image of the firmware runs; keep it now, or go back to the one before", cmd_firmware},
    {"handlers", "[NAME]", "how long event handlers run", cmd_handlers},
    {"health",   "", "the health report", cmd_health},
    {"heap",     "", "free memory and fragmentation by region", cmd_heap},
    {"help",     "[COMMAND]", "this list, or one line of it", cmd_help},
    {"inject",   "hang|slow|crash|leak|flood NAME [AMOUNT]", "make a service or app misbehave", cmd_inject},
    {"input",    "[key NAME down|up|click [MS] | tap X Y | touch X Y | lift | swipe X Y TO_X TO_Y MS | turn COUNTS | fault KIND]",
                 "buttons, touch panel and knob, and what a hand would do with them", cmd_input},
    {"install",  "FILE|URL", "install an app from a package", cmd_install},
    {"log",      "[TAG LEVEL | reset]", "log levels; LEVEL is none, error, warn, info, debug or verbose", cmd_log},
    {"mqtt",     "[broker URI [USER PASSWORD] | rule out PATTERN [QOS] [retain] | rule in PATTERN [QOS] | clear | off]",
                 "the bridge between events and an MQTT broker, mqtt://HOST[:PORT] or mqtts://HOST[:PORT]", cmd_mqtt},
    {"net",      "[on | off | scan | join NAME [SECRET] | forget NAME | host NAME SECRET | fault KIND]",
                 "the network; KIND is none, unplugged, stuck, short or wrong", cmd_net},
    {"pools",    "", "use of the memory pools", cmd_pools},
    {"ps",       "[MS]", "tasks: whose they are, stack never used; with MS: share of a core while it waits", cmd_ps},
    {"quit",     "", "leave the shell and end the program (PC)", cmd_quit},
    {"quota",    "[NAME]", "use and limits of every owner, or all of one", cmd_quota},
    {"reboot",   "", "restart the board", cmd_reboot},
    {"safe",     "[enter|leave]", "safe mode: only critical services run", cmd_safe},
    {"service",  "start|stop|restart NAME", "control a service", cmd_service},
    {"services", "", "services, their states and restarts", cmd_services},
    {"sleep",    "SECONDS", "wait, for scripts", cmd_sleep},
    {"stats",    "", "totals since boot", cmd_stats},
    {"store",    "[erase]", "how full the app store is; erase forgets all installed apps and their data", cmd_store},
    {"trust",    "[list | add LABEL KEY | revoke KEY | remove KEY | rotate KEY LABEL NEW | erase]",
                 "whose apps may be installed; a KEY is its label, the beginning of its id, or for a new one its file", cmd_trust},
    {"uninstall", "APP [keep]", "remove an installed app; keep: not what it stored", cmd_uninstall},
    {"update",   "[firmware] FILE|URL [older]",
                 "another version of an installed app, or of the firmware; older: also to an older one", cmd_update},
    {"upload",   "BYTES CRC | + OFFSET BASE64 | install | update [older] | off",
                 "take a package in over the console, as the package tool sends it", cmd_upload},
    {"why",      "NAME", "what the flight recorder knows about a service or app", cmd_why},
};
/* clang-format on */

const shell_command_t *shell_commands(size_t *count)
{
    *count = sizeof(s_commands) / sizeof(s_commands[0]);
    return s_commands;
}

const shell_command_t *shell_command(const char *name)
{
    for (size_t i = 0; i < sizeof(s_commands) / sizeof(s_commands[0]); i++) {
        if (strcmp(s_commands[i].name, name) == 0) {
            return &s_commands[i];
        }
    }
    return NULL;
}

int cmd_help(int argc, char **argv)
{
    const shell_command_t *only = argc == 2 ? shell_command(argv[1]) : NULL;
    if (argc > 2 || (argc == 2 && only == NULL)) {
        return shell_usage("help");
    }
    for (size_t i = 0; i < sizeof(s_commands) / sizeof(s_commands[0]); i++) {
        const shell_command_t *command = &s_commands[i];
        if (only == NULL || only == command) {
            shell_print("%-9s %s", command->name, command->help);
            if (command->arguments[0] != '\0') {
                shell_print("%-9s   %s %s", "", command->name, command->arguments);
            }
        }
    }
    return SHELL_OK;
}

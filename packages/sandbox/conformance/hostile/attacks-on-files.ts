import { ALWAYS, BY_FULL, FULL_ONLY, OWN_UID_TOO, attack, call } from "./os-attack.ts";
import type { OsAttack } from "./os-attack.ts";

/** Opens a setting for writing and closes it again: nothing is ever written. */
const opensForWriting = (path: string): OsAttack => ({
  name: `opens ${path} for writing`,
  behind: ALWAYS,
  run: `({ require }) => require("node:fs").closeSync(require("node:fs").openSync(${JSON.stringify(path)}, "r+"))`,
});

export const ATTACKS_ON_FILES: readonly OsAttack[] = [
  attack("reads a file of the user", OWN_UID_TOO, ({ require, target }) =>
    require("node:fs").readFileSync(target.secretFile, "utf8"),
  ),
  attack("lists a private folder of the user", OWN_UID_TOO, ({ require, target }) =>
    require("node:fs").readdirSync(target.privateFolder),
  ),
  attack("reads /etc/passwd", FULL_ONLY, ({ require }) => require("node:fs").readFileSync("/etc/passwd").length),
  attack("lists the root folder", FULL_ONLY, ({ require }) => require("node:fs").readdirSync("/")),
  attack("lists the homes", FULL_ONLY, ({ require }) => require("node:fs").readdirSync("/home")),
  attack("makes a temporary folder", FULL_ONLY, ({ require }) => {
    const { mkdtempSync, rmdirSync } = require("node:fs");
    rmdirSync(mkdtempSync("/tmp/berth-attack-"));
  }),
  attack("opens its own program for writing", { "own-uid": "refused", full: "refused" }, ({ require }) =>
    require("node:fs").closeSync(require("node:fs").openSync(process.execPath, "r+")),
  ),
  attack("opens its own script for writing", { "own-uid": "refused", full: "refused" }, ({ require }) =>
    require("node:fs").closeSync(require("node:fs").openSync(process.argv[1] ?? "", "r+")),
  ),
  attack("finds a variable in its environment", ALWAYS, () => {
    const names = Object.keys(process.env).filter((name) => name !== "PWD"); // bubblewrap's: "/"
    if (names.length === 0) throw Object.assign(new Error("none"), { code: "NONE" });
    return names;
  }),
  attack("finds a descriptor that its parent left open", ALWAYS, ({ require }) => {
    const { fstatSync } = require("node:fs");
    const found: string[] = [];
    for (let descriptor = 4; descriptor < 1_024; descriptor += 1) {
      try {
        const about = fstatSync(descriptor);
        // Node has pipes, devices and nameless descriptors of its own, all with low numbers.
        if (about.isFile() || about.isDirectory() || about.isBlockDevice() || about.isSocket() || descriptor > 63)
          found.push(`${descriptor} ${about.mode.toString(8)}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EBADF") throw error;
      }
    }
    if (found.length === 0) throw Object.assign(new Error("none"), { code: "NONE" });
    return found;
  }),
  opensForWriting("/proc/sys/kernel/core_pattern"),
  opensForWriting("/proc/sys/kernel/modprobe"),
  opensForWriting("/proc/sys/kernel/hostname"),
  opensForWriting("/proc/sys/vm/overcommit_memory"),
  opensForWriting("/proc/sys/user/max_user_namespaces"),
  opensForWriting("/proc/sysrq-trigger"),
  opensForWriting("/sys/kernel/uevent_helper"),
  opensForWriting("/dev/mem"),
  opensForWriting("/dev/vda"),
  opensForWriting("/etc/passwd"),
  opensForWriting("/etc/ld.so.preload"),
  call("makes a file in memory (memfd_create)", FULL_ONLY, [319, 279], '"x", 0'),
  call("watches a whole file system (fanotify_init)", BY_FULL, [300, 262], "0, 0"),
  call("mounts", ALWAYS, [165, 40], '"none", "/tmp", "tmpfs", 0, 0'),
  call("mounts by the newer call (fsopen)", ALWAYS, [430, 430], '"tmpfs", 0'),
  call("unmounts", ALWAYS, [166, 39], '"/proc", 0'),
  call("changes its root (chroot)", ALWAYS, [161, 51], '"/"'),
  call("swaps its root (pivot_root)", ALWAYS, [155, 41], '"/", "/"'),
  call("opens a file by its handle", BY_FULL, [304, 265], "-100, 0, 0"),
];

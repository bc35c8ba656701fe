import assert from "node:assert/strict";
import test from "node:test";

import { groupPlaces } from "../../src/walls/cgroup-mounts.ts";

const V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

test("looks below its own group and beside it in version 2", () => {
  assert.deepEqual(groupPlaces("0::/app.service/main\n", V2), [
    { version: 2, memory: "/sys/fs/cgroup/app.service/main", pids: "/sys/fs/cgroup/app.service/main" },
    { version: 2, memory: "/sys/fs/cgroup/app.service", pids: "/sys/fs/cgroup/app.service" },
  ]);
});

test("never leaves the control groups' file system", () => {
  assert.deepEqual(groupPlaces("0::/\n", V2), [{ version: 2, memory: "/sys/fs/cgroup", pids: "/sys/fs/cgroup" }]);
  const part = V2.replace(" / /sys", " /docker/abc /sys");
  assert.deepEqual(groupPlaces("0::/docker/abc\n", part), [
    { version: 2, memory: "/sys/fs/cgroup", pids: "/sys/fs/cgroup" },
  ]);
  assert.deepEqual(groupPlaces("0::/docker/abcdef\n", part), [], "another container with a longer name");
  assert.deepEqual(groupPlaces("0::/../other\n", part), []);
});

test("takes both controllers of version 1, wherever they are mounted", () => {
  const mounts = [
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
    "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct",
    "34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "35 31 0:32 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
  ];
  const cgroup = "8:pids:/\n4:memory:/a/b\n3:cpu,cpuacct:/\n";
  assert.deepEqual(groupPlaces(cgroup, mounts.join("\n")), [
    { version: 1, memory: "/sys/fs/cgroup/memory/a/b", pids: "/sys/fs/cgroup/pids" },
  ]);
  assert.deepEqual(groupPlaces(cgroup, mounts.slice(0, 3).join("\n")), [], "one of them is not enough");
});

test("finds nothing where there is nothing", () => {
  assert.deepEqual(groupPlaces("", ""), []);
});

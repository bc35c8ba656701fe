// An ordinary process that is as heavy as a hostile plugin: `heavy-process.mjs loops|allocates`.
const MIB = 1_048_576;
/** As much as the plugin may take. */
const MOST = 64;
const kept = [];
for (;;) {
  if (process.argv[2] !== "allocates") continue;
  if (kept.length >= MOST) kept.length = 0;
  kept.push(new Uint8Array(MIB).fill(1));
}

// Does nothing but look at how late its turns are; says so when its input ends.
import { StallWatch } from "../../packages/sandbox/conformance/hostile/stall-watch.ts";

const watch = new StallWatch();
process.stdin.resume();
process.stdin.on("end", () => {
  const longestMs = watch.takeLongestMs();
  process.stdout.write(JSON.stringify({ longestMs, over20: watch.stalls }), () => process.exit(0));
});

// What stands between the guest library and V8's engine, inside the guest. Bundled with the library into one script.
import { boot as bootGuest } from "@berth/guest";
import type { GuestEntry, PostToEngine } from "@berth/guest";

/**
 * `draw` answers with random bytes as a string of one character for each, because what crosses must be a primitive.
 */
export function boot(
  post: PostToEngine,
  draw: (count: number) => string,
  partScript: (part: string) => string,
): GuestEntry {
  return bootGuest(post, {
    fillRandom(bytes) {
      const drawn = draw(bytes.length);
      for (let index = 0; index < bytes.length; index += 1) bytes[index] = drawn.charCodeAt(index);
    },
    partScript: (part) => partScript(part),
  });
}

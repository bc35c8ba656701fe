import { realpathSync } from "node:fs";
import { resolve } from "node:path";

/** One spelling for each folder, so that links cannot give a consent to another one. A missing folder keeps its name. */
export function realFolderPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // It may come later; building it says what is wrong.
  }
}

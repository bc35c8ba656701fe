// Writes rows until the store refuses one, and says which were acknowledged; started with a limit on file sizes.
import { Store } from "@berth/store";

const [file = ""] = process.argv.slice(2);
const store = await Store.open({
  file,
  migrations: ["CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT"],
});
let done = 0;
let code: unknown = "none";
try {
  for (; done < 1_000; done += 1) {
    await store.transaction([
      { sql: "INSERT INTO t VALUES (?, zeroblob(20000))", params: [2 * done] },
      { sql: "INSERT INTO t VALUES (?, zeroblob(20000))", params: [2 * done + 1] },
    ]);
  }
} catch (error) {
  code = (error as { code?: unknown }).code;
}
process.stdout.write(JSON.stringify({ done, code }));
process.exit(0);

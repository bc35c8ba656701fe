/**
 * URL of a program of its own (a thread's or a process's). It stands beside the module that starts it. When sources
 * run it is the one that was built from the source of that name: loading its modules one by one costs more than most
 * of its work.
 *
 * @param moduleUrl `import.meta.url` of the module that starts it, below a package's `src` or `dist`
 * @param name of the program's source, without extension
 */
export function programFile(moduleUrl: string, name: string): string {
  const folder = moduleUrl.endsWith(".ts")
    ? `${moduleUrl.slice(0, moduleUrl.lastIndexOf("/src/"))}/dist-runtime`
    : moduleUrl.slice(0, moduleUrl.lastIndexOf("/"));
  return `${folder}/${name}.js`;
}

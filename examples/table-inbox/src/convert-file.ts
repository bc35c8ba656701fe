import type { Context } from "@berth/sdk";

/** What the converter answers; its manifest says more. */
interface Table {
  readonly rows: readonly Readonly<Record<string, string | number | boolean | null>>[];
  readonly problemCount: number;
}

/** `prices.json` for `prices.csv`; `undefined` for what is no CSV file. */
export function jsonNameOf(file: string): string | undefined {
  return /.\.csv$/.test(file) ? `${file.slice(0, -".csv".length)}.json` : undefined;
}

/** Reads one file, has it converted, and writes the other. */
export async function convertFile(
  { files, plugins }: Pick<Context, "files" | "plugins">,
  from: string,
  to: string,
): Promise<{ rows: number; problemCount: number }> {
  const csv = new TextDecoder().decode(await files.read(from));
  const { rows, problemCount } = (await plugins.call("berth.table-converter", "csv_to_json", { csv })) as Table;
  await files.write(to, `${JSON.stringify(rows, null, 2)}\n`, { create: true });
  return { rows: rows.length, problemCount };
}

/**
 * Where a value comes from, as bits, so that joining two values is one `|`. A value keeps the tags of
 * everything it was made from: `JSON.stringify(process.env)` is still `environment`.
 */
export const tag = {
  /** All environment variables, or one whose name the code chooses at run time. */
  environment: 1 << 0,
  /** One variable whose name says that it is a secret (`NPM_TOKEN`). */
  secretVariable: 1 << 1,
  /** Any other single environment variable. */
  variable: 1 << 2,
  /** Content of a file that holds credentials, keys or wallets. */
  credential: 1 << 3,
  /** Answer of a keychain or of the host's secret service. */
  secret: 1 << 4,
  /** Cookies, web storage, browser profiles. */
  browser: 1 << 5,
  clipboard: 1 << 6,
  keystroke: 1 << 7,
  form: 1 << 8,
  /** Name, user, addresses of this machine. */
  identity: 1 << 9,
  /** Content of some file. */
  file: 1 << 10,
  /** Anything that arrived from another machine or window. */
  remote: 1 << 11,
  /** Made readable by the program itself: base64, character codes, decryption, inflating. */
  decoded: 1 << 12,
  /** Made from invisible characters. */
  hidden: 1 << 13,
  /** Bytes or pixels of an image, sound or font. */
  media: 1 << 14,
  /** Memory or answer of a WebAssembly instance. */
  wasm: 1 << 15,
  /** Output of a command. */
  output: 1 << 16,
  /** Language, region or time zone. */
  locale: 1 << 17,
  clock: 1 << 18,
  random: 1 << 19,
  /** Whether somebody is watching: debugger, automation, virtual machine. */
  watcher: 1 << 20,
  /** Screen, camera, microphone, position. */
  surveillance: 1 << 21,
  /** The program's own source. */
  self: 1 << 22,
  /** The user's home folder, as a path. */
  home: 1 << 23,
  /** Names of files in a folder. */
  listing: 1 << 24,
  /** Encoded for transport: base64, hex. */
  encoded: 1 << 25,
  /** A count that the program keeps between runs. */
  counter: 1 << 26,
  /** Answer of a wallet or a signing key in the page. */
  wallet: 1 << 27,
} as const;

export type TagName = keyof typeof tag;

/** What must not leave the machine without being asked for. */
export const PRIVATE =
  tag.environment |
  tag.secretVariable |
  tag.credential |
  tag.secret |
  tag.browser |
  tag.clipboard |
  tag.keystroke |
  tag.form |
  tag.wallet |
  tag.surveillance;

/** What a payload looks at before it decides whether this is the right victim. */
export const CONDITION = tag.identity | tag.locale | tag.clock | tag.random | tag.watcher | tag.counter;

/** How a constant was put together; a plain literal has none of these. */
export const made = {
  concat: 1 << 0,
  join: 1 << 1,
  reverse: 1 << 2,
  base64: 1 << 3,
  hex: 1 << 4,
  charCode: 1 << 5,
  cipher: 1 << 6,
  escapes: 1 << 7,
  replace: 1 << 8,
  percent: 1 << 9,
  slice: 1 << 10,
} as const;

/** Ways that nobody takes by accident. */
export const CONCEALED =
  made.join |
  made.reverse |
  made.base64 |
  made.hex |
  made.charCode |
  made.cipher |
  made.escapes |
  made.percent |
  made.slice;

const words: Readonly<Record<TagName, string>> = {
  environment: "environment variables",
  secretVariable: "a secret environment variable",
  variable: "an environment variable",
  credential: "a file with credentials",
  secret: "a stored secret",
  browser: "browser data (cookies, storage or profiles)",
  clipboard: "the clipboard",
  keystroke: "what the user types",
  form: "what the user entered in a form",
  identity: "the identity of this machine or user",
  file: "the content of a file",
  remote: "data from the network",
  decoded: "decoded data",
  hidden: "invisible characters",
  media: "an image, sound or font",
  wasm: "WebAssembly memory",
  output: "the output of a command",
  locale: "the user's language, region or time zone",
  clock: "the clock",
  random: "a random number",
  watcher: "whether a debugger, automation or virtual machine is present",
  surveillance: "screen, camera, microphone or position",
  self: "its own source",
  home: "the home folder",
  listing: "a list of files",
  encoded: "encoded data",
  counter: "a stored count",
  wallet: "a crypto wallet",
};

/** The tags in words for a reader, in the order of the table: "environment variables and a stored secret". */
export function describeTags(tags: number): string {
  const found = (Object.keys(tag) as TagName[]).filter((name) => (tags & tag[name]) !== 0).map((name) => words[name]);
  return found.length === 0 ? "data" : found.join(" and ");
}

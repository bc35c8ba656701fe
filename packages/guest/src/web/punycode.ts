const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;

/** Punycode of one label (RFC 3492, 6.3), without its `xn--`. */
export function punycodeOf(label: string): string {
  const points = Array.from(label, (character) => character.codePointAt(0) ?? 0);
  const basic = points.filter((point) => point < 0x80);
  let output = String.fromCharCode(...basic);
  if (basic.length > 0) output += "-";
  let next = 0x80;
  let delta = 0;
  let bias = 72;
  let handled = basic.length;
  while (handled < points.length) {
    let smallest = 0x11_0000;
    for (const point of points) if (point >= next && point < smallest) smallest = point;
    delta += (smallest - next) * (handled + 1);
    next = smallest;
    for (const point of points) {
      if (point < next) delta += 1;
      if (point !== next) continue;
      output += digitsOf(delta, bias);
      bias = adapt(delta, handled + 1, handled === basic.length);
      delta = 0;
      handled += 1;
    }
    delta += 1;
    next += 1;
  }
  return output;
}

/** A generalised variable-length integer (RFC 3492, 3.3). */
function digitsOf(delta: number, bias: number): string {
  let digits = "";
  let rest = delta;
  for (let k = BASE; ; k += BASE) {
    const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX);
    if (rest < threshold) return digits + rest.toString(BASE).replace(/./u, letterOf);
    const digit = threshold + ((rest - threshold) % (BASE - threshold));
    digits += digit.toString(BASE).replace(/./u, letterOf);
    rest = Math.floor((rest - threshold) / (BASE - threshold));
  }
}

/** Punycode counts a–z before 0–9, the language 0–9 before a–z. */
function letterOf(digit: string): string {
  const value = Number.parseInt(digit, BASE);
  return String.fromCharCode(value < 26 ? value + 0x61 : value - 26 + 0x30);
}

/** Bias adaptation (RFC 3492, 6.1). */
function adapt(delta: number, points: number, isFirst: boolean): number {
  let rest = Math.floor(delta / (isFirst ? 700 : 2));
  rest += Math.floor(rest / points);
  let k = 0;
  while (rest > ((BASE - T_MIN) * T_MAX) / 2) {
    rest = Math.floor(rest / (BASE - T_MIN));
    k += BASE;
  }
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + 38));
}

import type { Rule } from "../rule.ts";
import { effectOf } from "../syntax/effects.ts";
import { commandTopics, textsOf, topicsOfValue } from "../syntax/queries.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

export const minesCryptocurrency: Rule = {
  id: "mines-cryptocurrency",
  class: "abuse",
  severity: "critical",
  finds: "Miners, mining pools, and loops that search for hashes and report them.",
  remedy: "Remove it.",
  syntax(check) {
    for (const call of check.facts.calls) {
      const sink = effectOf(call.ref)?.sink;
      const topics =
        (sink === "run" ? commandTopics(call) : 0) |
        call.args.slice(0, 4).reduce((sum, arg) => sum | topicsOfValue(arg), 0) |
        topicsOf(call.ref.replaceAll(/[.#?]/gu, " "));
      if (
        (topics & topic.mining) === 0 ||
        (sink === undefined &&
          !call.isNew &&
          !/(?:stratum|miner|coinhive|cryptoloot|write|start|send|connect|postMessage)/iu.test(call.ref))
      )
        continue;
      check.report(call.start, "This mines cryptocurrency with the user's machine.", { end: call.end });
    }
    for (const transfer of check.transfers) {
      if ((topicsOf(transfer.url) & topic.mining) !== 0)
        check.report(transfer.start, "This connects to a mining pool.", { end: transfer.end });
    }
    for (const call of check.facts.calls) {
      const hashes = /^crypto\.(?:createHash|subtle\.digest|createHmac)$|sha256|keccak|argon2|scrypt/iu.test(call.ref);
      if (!hashes || call.when.loops === 0) continue;
      const around =
        check.source(Math.max(0, call.start - 300), call.start + 400) + check.file.text.slice(call.end, call.end + 300);
      const searches =
        /startsWith\(\s*["'`]0{2,}|\.(?:slice|substr(?:ing)?)\(0,\s*\w+\)\s*={2,3}|["'`]0["'`]\.repeat|padStart|difficulty|\btarget\b|nonce/iu.test(
          around,
        );
      if (!searches) continue;
      const reports = check.transfers.length > 0 || /Worker|cpus\(\)|postMessage/u.test(check.file.text);
      check.report(call.start, "This loop searches for hashes, as miners do.", {
        severity: reports ? "high" : "medium",
        confidence: reports ? "high" : "low",
        end: call.end,
      });
    }
    for (const { code, start, end } of check.compilations) {
      const search = textsOf(code).some(
        (text) =>
          /\b(?:for|while)\s*\(/u.test(text) &&
          /createHash|subtle\.digest|sha256|keccak/iu.test(text) &&
          /startsWith\(\s*["'`]0{2,}|["'`]0["'`]\.repeat|difficulty|nonce/iu.test(text),
      );
      if (search) check.report(start, "This starts code that searches for hashes in a loop, as miners do.", { end });
    }
    const text = check.file.text;
    if (text.length > 200_000) return;
    const protocol = /["'`](?:mining\.(?:subscribe|authorize|submit)|stratum\+(?:tcp|ssl):)/u.exec(text);
    if (protocol !== null)
      check.report(protocol.index, "This speaks the protocol of mining pools.", { severity: "high" });
    const words =
      /\b(?:CoinHive\.(?:Anonymous|User)|CryptoLoot|Client\.Anonymous\(|deepMiner|throttle\s*:\s*0|hashes?(?:Per|\/)s(?:ec|econd)?|"method"\s*:\s*"(?:login|submit|getjob)"|\bjob_id\b)/u.exec(
        text,
      );
    if (words !== null && /wasm|WebAssembly|Worker|wss?:|net\.|socket/iu.test(text))
      check.report(words.index, "This has the marks of a miner.", { severity: "high" });
  },
};

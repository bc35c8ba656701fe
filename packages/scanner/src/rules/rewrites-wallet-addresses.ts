import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

export const rewritesWalletAddresses: Rule = {
  id: "rewrites-wallet-addresses",
  class: "exfiltration",
  severity: "critical",
  finds: "Replacing wallet addresses in traffic or pages, or steering transactions of a wallet to a fixed address.",
  remedy: "Remove it; money may only move where the user said.",
  syntax(check) {
    const isAddress = (text: string): boolean => (topicsOf(text) & topic.walletAddress) !== 0;
    for (const call of check.facts.calls) {
      if (!call.ref.endsWith(".replace") && !call.ref.endsWith(".replaceAll")) continue;
      if (call.args.slice(1).some((arg) => textsOf(arg).some(isAddress))) {
        check.report(call.start, "This replaces text by a wallet address.", { end: call.end });
      }
    }
    for (const call of check.facts.calls) {
      if (
        !/ethereum|solana|web3|wallet|provider|\.send(?:Transaction|Transfer)$/iu.test(call.ref) &&
        !/eth_sendTransaction|eth_sign|personal_sign|signTransaction|approve|setApprovalForAll/u.test(
          call.args.map((arg) => [...textsOf(arg), ...textsOf(arg.props?.get("method"))].join(" ")).join(" "),
        )
      )
        continue;
      const params = call.args.flatMap((arg) => [arg, ...(arg.props?.get("params")?.items ?? [])]);
      const target = params.some(
        (value) => textsOf(value.props?.get("to")).some(isAddress) || textsOf(value).some(isAddress),
      );
      if (target)
        check.report(call.start, "This asks the user's wallet to send to an address that is fixed in the code.", {
          end: call.end,
        });
    }
    for (const call of check.facts.calls) {
      if (!/\.(?:approve|increaseAllowance|setApprovalForAll|permit)$/u.test(call.ref)) continue;
      if (!textsOf(call.args[0]).some(isAddress)) continue;
      const isAll = /MaxUint|MAX_UINT|maxUint|0xf{32,}|2n?\s*\*\*\s*256|\btrue\b|!0\b/u.test(
        check.source(call.start, call.end),
      );
      if (isAll)
        check.report(call.start, "This lets a fixed address take everything that the user's wallet holds of a token.", {
          severity: "high",
          end: call.end,
        });
    }
    for (const write of check.facts.writes) {
      if (!textsOf(write.value).some(isAddress)) continue;
      if (
        write.name === "to" ||
        write.name === "value" ||
        write.name === "recipient" ||
        write.name === "destination" ||
        write.name === "address" ||
        write.name === "textContent" ||
        write.name === "innerText"
      ) {
        check.report(write.start, "This overwrites a target with a wallet address that is fixed in the code.", {
          severity: "high",
          end: write.end,
        });
      }
    }
    for (const write of check.facts.writes) {
      if (
        write.ref === undefined ||
        !/^(?:(?:\?\.)?ethereum|(?:\?\.)?solana|web3|tronWeb|phantom)(?:\.[\w.]+)?$/u.test(write.ref) ||
        write.value.fn === undefined
      )
        continue;
      check.report(write.start, "This replaces a function of the user's wallet by its own.", { end: write.end });
    }
    for (const transfer of check.transfers) {
      if (
        (transfer.tags & tag.wallet) === 0 ||
        !transfer.isFixed ||
        transfer.how.includes("ethereum") ||
        transfer.how.includes("solana")
      )
        continue;
      check.report(transfer.start, "This sends what the user's wallet answered to a fixed address.", {
        severity: "high",
        end: transfer.end,
      });
    }
  },
};

import { sha256 } from "./render/canonical-json.ts";

/**
 * The arm of a conversation: the same one for as long as the canary runs, on every client and in the registry.
 *
 * u = the first 8 bytes, big-endian, of SHA-256(use_case + "/" + first arm's version + "/" + conversation), divided by
 * 2⁶⁴. The arms divide [0, 1) in their order by their weights; u falls into one.
 *
 * @param arms at least one; the canary first
 * @param conversationId absent: a call is a conversation of its own, and u is random
 */
export async function pickArm<Arm extends { readonly prompt_version: string; readonly weight: number }>(
  useCase: string,
  arms: readonly [Arm, ...Arm[]],
  conversationId?: string,
): Promise<Arm> {
  if (arms.length === 1) return arms[0];
  const u =
    conversationId === undefined
      ? Math.random()
      : uniform(await sha256(`${useCase}/${arms[0].prompt_version}/${conversationId}`));
  let end = 0;
  for (const arm of arms) {
    end += arm.weight;
    if (u < end) return arm;
  }
  return arms.at(-1)!;
}

function uniform(digest: ArrayBuffer): number {
  return Number(new DataView(digest).getBigUint64(0)) * 2 ** -64;
}

import { samplingUniform } from "@plumbline/stats";
import type { LiveArm } from "@plumbline/schemas";

/**
 * Which version a conversation gets: the same one for as long as the canary runs, on every client and in every
 * language.
 *
 * u = the first 8 bytes, big-endian, of SHA-256(use_case + "/" + first arm's prompt_version + "/" + conversation_id),
 * divided by 2⁶⁴. The arms divide [0, 1) in their order by their weights; u falls into one. The canary is first, so
 * raising its weight keeps every conversation that it had; its version is in the hash, so the next canary begins with
 * other conversations.
 *
 * @returns null when nothing is live
 */
export function pickVersion(
  useCase: string,
  arms: readonly LiveArm[],
  conversationId: string,
): LiveArm | null {
  const [first] = arms;
  if (first === undefined || arms.length === 1) return first ?? null;
  const u = samplingUniform(`${useCase}/${first.prompt_version}/`, conversationId);
  let end = 0;
  for (const arm of arms) {
    end += arm.weight;
    if (u < end) return arm;
  }
  return arms.at(-1)!;
}

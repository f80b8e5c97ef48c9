/** What Slack takes, as its Block Kit reference has it, and texts made to fit. One block too long fails the whole post. */
import { clip } from "@plumbline/schemas";

/** In characters and counts. Characters are counted as UTF-16 units, which is never fewer than what Slack counts. */
export const LIMITS = {
  blocks: 50,
  blockId: 255,
  header: 150,
  sectionText: 3_000,
  sectionFields: 10,
  fieldText: 2_000,
  contextElements: 10,
  /** Slack takes 3,000; small print stays small. */
  contextText: 400,
  /** Slack takes 40,000, and shows a longer notification cut. */
  messageText: 4_000,
  url: 3_000,
} as const;

/** `&`, `<` and `>` are Slack's only control characters; escaped, nobody can be mentioned or linked by a text. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Escaped text of at most `length` characters, cut between characters of the original, never inside an entity. */
export function escapeWithin(text: string, length: number): string {
  return escapeText(clip(text, length, (character) => escapeText(character).length));
}

/**
 * Escaped texts, joined by line ends, of at most `length` characters. Only the longest are cut, all to the same length, so
 * that a long one takes nothing from the short ones.
 *
 * @param around characters that the caller adds to each
 */
export function fitLines(lines: readonly string[], length: number, around = 0): string[] {
  const costs = lines.map((line) => escapeText(line).length + around + 1);
  let room = length;
  let left = costs.length;
  let most = Number.POSITIVE_INFINITY;
  for (const cost of costs.toSorted((a, b) => a - b)) {
    const share = Math.floor(room / left);
    if (cost > share) {
      most = share;
      break;
    }
    room -= cost;
    left -= 1;
  }
  return lines.map((line) => escapeWithin(line, Math.max(1, most === Infinity ? length : most - around - 1)));
}

/** A text between backticks: escaped, of at most `length` characters with them, and nothing in it ends them early. */
export function fenced(text: string, fence: "`" | "```", length: number): string {
  const inner = escapeWithin(text.replaceAll("`", "´"), length - 2 * fence.length);
  return `${fence}${inner}${fence}`;
}

/** The target of a link; null for what is no address, or too long for one. */
export function linkTarget(url: string): string | null {
  const target = escapeText(url).replaceAll("|", "%7C");
  return /^https?:\/\//i.test(url) && target.length <= LIMITS.url ? target : null;
}

/** Words for slices: what stands after "requests" in a sentence, as in "requests that mention money". */

/** Of slices that the product names itself, by name. */
const SLICE_LABELS: Readonly<Record<string, string>> = {
  mentions_money: "that mention money",
  mentions_date: "that mention a date",
  mentions_number: "that contain a number",
  has_email: "that contain an e-mail address",
  has_url: "that contain a link",
  has_code: "that contain program text",
  is_question: "that ask a question",
  has_negation: "that contain a negation",
  "input_length=short": "of up to 600 characters",
  "input_length=medium": "of 600 to 3,000 characters",
  "input_length=long": "of 3,000 to 12,000 characters",
  "input_length=very_long": "of more than 12,000 characters",
  "lang=und": "in no known language",
};

/** Slice that joins several: `a & b`. */
const JOINT = " & ";
const LANGUAGE = /^lang=([a-z]{2,3})$/;
const MODEL = /^model=(.+)$/su;
const TOPIC = /^(?:in_topic: |topic )(.*)$/su;
const ATTRIBUTE = /^[^=]{1,40}=/su;

const languages = new Intl.DisplayNames("en", { type: "language" });

/**
 * sliceLabel returns the words of a slice: a label that people gave, else the product's own, else its attribute.
 *
 * @param own labels that the use case's configuration gives, by slice name
 */
export function sliceLabel(name: string, own: Readonly<Record<string, string>> = {}): string {
  const whole = labelOf(name, own);
  if (whole !== null) return whole;
  const parts = name.split(JOINT);
  if (parts.length > 1) return parts.map((part) => sliceLabel(part, own)).join(" and ");
  return `of the kind “${spaced(name)}”`;
}

function labelOf(name: string, own: Readonly<Record<string, string>>): string | null {
  if (Object.hasOwn(own, name)) return own[name]!;
  if (Object.hasOwn(SLICE_LABELS, name)) return SLICE_LABELS[name]!;
  if (name.includes(JOINT)) return null;
  const language = LANGUAGE.exec(name)?.[1];
  if (language !== undefined) return `in ${languages.of(language) ?? language}`;
  const model = MODEL.exec(name)?.[1];
  if (model !== undefined) return `answered by ${model}`;
  const topic = TOPIC.exec(name)?.[1];
  if (topic !== undefined) return `about topic ${topic}`;
  // As it stands: an erased value is found in messages by its key.
  return ATTRIBUTE.test(name) ? `with ${name}` : null;
}

/** A name of code as words. */
function spaced(name: string): string {
  return name.replaceAll("_", " ");
}

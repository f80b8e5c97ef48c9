import { promptfooPrompt } from "@plumbline/prompts/promptfoo";

const FILE = "../../examples/ticket-summary/prompts/ticket-summary.prompt";
export default promptfooPrompt(new URL(FILE, import.meta.url));

/** Twenty small tickets, so that a new project has an eval set that the gate accepts. Replace them by your own. */

interface ExampleCase {
  readonly ticket: string;
  /** Each must stand in the summary. */
  readonly keeps: readonly string[];
  readonly slice: string;
}

export const EXAMPLE_CASES: readonly ExampleCase[] = [
  { ticket: "I was charged $40 twice on 3 May. Please send one back.", keeps: ["$40"], slice: "amount" },
  {
    ticket: "The invoice says €1,250 but we agreed on €1,150 by mail.",
    keeps: ["1,250", "1,150"],
    slice: "amount",
  },
  { ticket: "A refund of $18.90 was promised on Monday; nothing came.", keeps: ["$18.90"], slice: "amount" },
  {
    ticket: "My plan went from 12 to 15 pounds a month. Nobody told me.",
    keeps: ["12", "15"],
    slice: "amount",
  },
  {
    ticket: "The voucher was worth $25, the shop took only $20 off.",
    keeps: ["$25", "$20"],
    slice: "amount",
  },
  { ticket: "You kept a deposit of 300 euros after I gave the key back.", keeps: ["300"], slice: "amount" },
  { ticket: "The parcel was due on 14 March and is still not here.", keeps: ["14 March"], slice: "date" },
  {
    ticket: "I moved my visit to 2 June at 10:30; your mail says 9:30.",
    keeps: ["2 June", "10:30"],
    slice: "date",
  },
  {
    ticket: "My contract ends on 31 December. I do not want to renew it.",
    keeps: ["31 December"],
    slice: "date",
  },
  {
    ticket: "The offer was good until 5 July, I ordered on 4 July.",
    keeps: ["5 July", "4 July"],
    slice: "date",
  },
  { ticket: "Since the update of 20 April the app closes at once.", keeps: ["20 April"], slice: "date" },
  {
    ticket: "We need the delivery before 08:00 on Friday or not at all.",
    keeps: ["08:00", "Friday"],
    slice: "date",
  },
  { ticket: "Order A-7731 came with the wrong charger.", keeps: ["A-7731"], slice: "reference" },
  {
    ticket: "Please cancel booking QX42 and keep booking QX43.",
    keeps: ["QX42", "QX43"],
    slice: "reference",
  },
  { ticket: "Error E-204 shows up whenever I upload a photo.", keeps: ["E-204"], slice: "reference" },
  { ticket: "Serial number 88-1140 does not start since the storm.", keeps: ["88-1140"], slice: "reference" },
  { ticket: "I cannot sign in: the code never arrives on my phone.", keeps: ["code"], slice: "plain" },
  { ticket: "How do I change the language of the mails you send?", keeps: ["language"], slice: "plain" },
  { ticket: "The driver was very kind. Please tell him thank you!", keeps: ["driver"], slice: "plain" },
  { ticket: "Delete my account and everything that you know about me.", keeps: ["account"], slice: "plain" },
];

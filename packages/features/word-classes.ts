/**
 * Classes of single words, looked up by hash while a text is scanned: money, numbers, months, negation, questions,
 * language. One probe a word replaces some twenty regular expressions on the path that every call takes.
 *
 * Words are hashed by FNV-1a 32 over lower-cased UTF-16 code units. About 600 words are known, so a foreign word
 * is mistaken for one of them with probability 600 / 2³²; nothing decided here needs better.
 */

export const FNV_OFFSET = 0x811c9dc5;
export const FNV_PRIME = 0x01000193;

export const CURRENCY_WORD = 1;
export const NUMBER_WORD = 1 << 1;
export const MONTH = 1 << 2;
/** Also an everyday word (may, march): counts as a month only with a capital letter. */
export const AMBIGUOUS_MONTH = 1 << 3;
export const NEGATION = 1 << 4;
export const INTERROGATIVE = 1 << 5;
/** Pounds near one of these are weight, not money. */
export const WEIGHT = 1 << 6;
export const POUND = 1 << 7;
/** May stand between a number and its currency or month: "ten Canadian dollars", "3rd of March". */
export const BRIDGE = 1 << 8;
/** Stands before the number, too: "EUR 12". */
export const CURRENCY_CODE = 1 << 9;
/** "40 per cent" is no amount of money. */
export const PER = 1 << 10;
export const CENT = 1 << 11;

/** Languages told apart by their commonest words, in the order of their bits (from bit 16). Scripts tell the others. */
export const STOP_WORD_LANGUAGES = [
  "en",
  "de",
  "fr",
  "es",
  "it",
  "pt",
  "nl",
  "sv",
  "da",
  "pl",
  "cs",
  "tr",
  "fi",
  "id",
  "ro",
  "hu",
] as const;
export const LANGUAGE_SHIFT = 16;

const CLASSES: readonly (readonly [number, string])[] = [
  [
    CURRENCY_WORD,
    "dollar dollars buck bucks euro euros cents penny pence pennies quid sterling yen yuan renminbi rupee rupees " +
      "ruble rubles rouble roubles franc francs peso pesos krona kronor krone kroner zloty złoty dirham dirhams",
  ],
  [CURRENCY_WORD | CENT, "cent"],
  [CURRENCY_WORD | POUND, "pound pounds"],
  [CURRENCY_WORD | CURRENCY_CODE, "eur usd gbp chf cad aud jpy cny inr sek nok dkk pln brl mxn nzd sgd hkd"],
  [
    NUMBER_WORD,
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
      "seventeen eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety hundred hundreds " +
      "thousand thousands million millions billion billions trillion trillions half dozen k m bn mn " +
      "eins zwei drei vier fünf sechs sieben acht neun zehn zwanzig dreißig vierzig fünfzig hundert tausend " +
      "millionen milliarden deux trois quatre cinq sept huit neuf dix vingt trente quarante cinquante mille " +
      "dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cien mil millones",
  ],
  [
    MONTH,
    "january february april june july august september october november december jan feb apr jun jul aug sep sept " +
      "oct nov januar februar märz juni juli oktober dezember janvier février avril juin juillet août " +
      "septembre octobre novembre décembre enero febrero abril junio julio agosto septiembre octubre noviembre diciembre",
  ],
  [MONTH | AMBIGUOUS_MONTH, "may march mar dec mai mars mayo marzo"],
  [
    NEGATION,
    "not no never none nothing nobody nowhere neither nor without cannot don't doesn't didn't isn't aren't wasn't " +
      "weren't won't wouldn't can't couldn't shouldn't hasn't haven't hadn't ain't mustn't needn't dont cant wont " +
      "nicht kein keine keinen keiner nie niemals nichts ohne pas jamais rien aucun aucune sans nunca nada sin " +
      "mai niente senza não nem nenhum niet geen nooit inte aldrig ikke nie",
  ],
  [
    INTERROGATIVE,
    "what why how when where who whom whose which is are was were do does did can could should would will has have " +
      "am may was wie warum wann wo wer welche welcher welches kann quoi pourquoi comment quand où qui quel quelle " +
      "qué por cómo cuándo dónde quién cuál perché come quando dove chi",
  ],
  [
    WEIGHT,
    "weigh weighs weighed weighing weight weights lose lost gain gained heavy heavier lighter kilo kilos kilogram " +
      "kilograms kg ounce ounces lbs body bmi diet fat overweight obese pressure",
  ],
  [
    BRIDGE,
    "of us american canadian australian singapore odd plus extra more or to and a st nd rd th british euros' de",
  ],
  [PER, "per pro pour"],
];

/** The commonest function words of each language, those that other languages lack first. */
const STOP_WORDS: Readonly<Record<(typeof STOP_WORD_LANGUAGES)[number], string>> = {
  en:
    "the and is are was were of to that this it with for you your my i have has had not be been what how why when where " +
    "can could would should do does did from they there their which will about but an we our if by as at on or so just " +
    "i'm i've it's don't can't me need get got want please any some after still",
  de:
    "der die das und ist nicht ein eine einen einem einer ich du sie wir ihr mit für auf von zu den dem des im am als " +
    "auch wie was wann warum wo kann habe hat haben sind war wird werden bei aus nach über oder aber wenn noch nur meine mein bitte",
  fr:
    "le la les des et est une un que qui dans pour pas sur avec ce cette il elle je vous nous au aux du en ne se son sa " +
    "mon ma mes sont été être avoir ont comment pourquoi quand où mais ou plus par c'est j'ai n'est d'une",
  es: "el la los las de que y en un una es por con para no se su lo como más pero del al mi me yo está son fue ser qué cómo cuándo dónde puedo tengo hay este esta",
  it: "il lo la gli le di che e è un una per non con del della sono ho mi ma come più nel alla dei questo questa perché quando dove posso ha si da in",
  pt: "o a os as de que e em um uma é não por com para se do da dos das no na como mais mas meu minha eu está são foi ser quando onde posso tenho você isso",
  nl: "de het een en van is niet dat ik je met voor op te zijn aan er maar om hoe wat waarom wanneer waar kan heb heeft mijn ook bij naar uit als nog wel deze dit worden",
  sv: "och att det som en ett på är av för med den till inte jag har de om var men hur vad när kan min mitt från ska vi du eller så",
  da: "og at det som en et på er af for med den til ikke jeg har de om var men hvordan hvad hvornår kan min mit fra skal vi du eller så blev",
  pl: "nie to się na że jest do jak w z i co o po za od czy ale mam moje moja dla kiedy gdzie dlaczego jestem mogę są był oraz przez",
  cs: "je se na že to jsem ale jak co by za od po při pro můžu mám nebo kde kdy proč jsou byl které který není aby",
  tr: "ve bir bu için ile ne mi de da çok değil nasıl neden nerede var yok ben olarak daha gibi ama kadar olan benim",
  fi: "ja on ei se että oli hän joka mutta ovat kuin myös niin minun miten miksi missä milloin voin olen tai jos kun",
  id: "yang dan di dengan untuk tidak ini itu dari saya ke pada adalah bagaimana apa mengapa kapan bisa akan atau juga ada karena",
  ro: "și nu este de la cu pe un o că mai pentru din sunt care în cum ce unde când pot am dar sau fost",
  hu: "a az és nem hogy egy is van de meg ez azt mint már csak én hogyan miért mikor hol lehet volt vagy",
};

const CAPACITY = 2048;
/** Pairs of hash and bits. */
const table = new Uint32Array(CAPACITY * 2);
const MASK = CAPACITY * 2 - 1;

/** Hash of one word as the scan makes it; `word` must be lower-case. */
function hashWord(word: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), FNV_PRIME);
  return hash >>> 0;
}

/** Class bits of a hashed word in the low half, language bits in the high half; 0 for an unknown word. */
export function classOfWord(hash: number): number {
  for (let at = (hash << 1) & MASK; ; at = (at + 2) & MASK) {
    const key = table[at];
    if (key === hash) return table[at + 1]!;
    if (key === 0) return 0;
  }
}

function addBits(word: string, bits: number): void {
  const hash = hashWord(word);
  let at = (hash << 1) & MASK;
  while (table[at] !== 0 && table[at] !== hash) at = (at + 2) & MASK;
  table[at] = hash;
  table[at + 1] = (table[at + 1]! | bits) >>> 0;
}

for (const [bits, words] of CLASSES) for (const word of words.split(" ")) addBits(word, bits);
for (const [index, language] of STOP_WORD_LANGUAGES.entries()) {
  const bit = (1 << (LANGUAGE_SHIFT + index)) >>> 0;
  for (const word of STOP_WORDS[language].split(" ")) addBits(word, bit);
}

/** How a page is to be rendered, and the `Content-Type` that must be sent with it. */
export interface SimpleFormat {
  readonly contentType: string;
  readonly format: 'json' | 'html';
}

const HTML: SimpleFormat = { contentType: 'text/html; charset=utf-8', format: 'html' };

/** In the order of preference for equal quality: PyPI's, so that a browser and `curl` see HTML. */
const OFFERS: readonly { readonly types: readonly string[]; readonly answer: SimpleFormat }[] = [
  { types: ['text/html'], answer: HTML },
  {
    types: ['application/vnd.pypi.simple.v1+html', 'application/vnd.pypi.simple.latest+html'],
    answer: { contentType: 'application/vnd.pypi.simple.v1+html', format: 'html' },
  },
  {
    // "latest" asks for the newest version that there is, and is answered with its concrete type (PEP 691).
    types: ['application/vnd.pypi.simple.v1+json', 'application/vnd.pypi.simple.latest+json'],
    answer: { contentType: 'application/vnd.pypi.simple.v1+json', format: 'json' },
  },
];

/** Longest `Accept` header that is read, in characters; real ones have about 120. A longer one gets HTML. */
const MAX_ACCEPT_LENGTH = 2048;

/**
 * Chooses the format of a simple page from the `Accept` header (PEP 691, RFC 9110 §12.5.1).
 * Nothing acceptable is answered with `text/html`, never with an error: PEP 691 allows it and PyPI does so.
 */
export function negotiateSimpleFormat(acceptHeader: string | undefined): SimpleFormat {
  if (acceptHeader === undefined || acceptHeader.length > MAX_ACCEPT_LENGTH) return HTML;
  const ranges = acceptHeader.split(',').map(parseRange);
  let best = { answer: HTML, quality: 0 };
  for (const { types, answer } of OFFERS) {
    const quality = Math.max(...types.map((type) => qualityOf(type, ranges)));
    if (quality > best.quality) best = { answer, quality };
  }
  return best.answer;
}

interface MediaRange {
  readonly range: string;
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
  if (weight === undefined) return { range, quality: 1 };
  const value = weight.slice(weight.indexOf('=') + 1).trim();
  return { range, quality: /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0 };
}

/** The quality that the most specific matching range gives to a type, 0 when none matches (RFC 9110 §12.5.1). */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  for (const pattern of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const matching = ranges.filter(({ range }) => range === pattern);
    if (matching.length > 0) return Math.max(...matching.map(({ quality }) => quality));
  }
  return 0;
}

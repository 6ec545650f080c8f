/** One curve. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 720;
const HEIGHT = 400;
const PLOT = { left: 60, right: 540, top: 44, bottom: 360 };
/** The smallest distance of two names beside the curves. */
const LINE = 16;
const COLORS = ['#b3261e', '#e07b00', '#6b7280', '#9ca3af', '#1d4ed8', '#0e7490', '#15803d'];

/** Curves over the number of files, both axes logarithmic, as SVG; each is named where it ends. */
export function chart(title: string, series: readonly Series[]): string {
  const drawn = series.filter(({ points }) => points.length > 0);
  const points = drawn.flatMap((each) => each.points);
  const [x, y] = [
    scale(
      points.map((point) => point.x),
      PLOT.left,
      PLOT.right,
    ),
    scale(
      points.map((point) => point.y),
      PLOT.bottom,
      PLOT.top,
    ),
  ];
  const names = spread(drawn.map((each) => y.place(each.points.at(-1)?.y ?? 1)));
  const parts = [
    `<text x="${PLOT.left}" y="22" font-size="15" font-weight="600">${escape(title)}</text>`,
    ...x.decades.map((value) => tick(x.place(value), PLOT.bottom + 18, 'middle', `${label(value)} files`)),
    ...y.decades.map((value) => tick(PLOT.left - 8, y.place(value) + 4, 'end', label(value))),
    ...y.decades.map(
      (value) => `<path d="M${PLOT.left} ${fixed(y.place(value))}H${PLOT.right}" stroke="#e5e7eb" fill="none"/>`,
    ),
    ...drawn.map((each, at) => curve(each, x.place, y.place, COLORS[at % COLORS.length] ?? '', names[at] ?? 0)),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">\n` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>\n${parts.join('\n')}\n</svg>\n`
  );
}

function curve(
  { name, points }: Series,
  x: (value: number) => number,
  y: (value: number) => number,
  color: string,
  nameAt: number,
): string {
  const places = points.map((point) => ({ x: fixed(x(point.x)), y: fixed(y(point.y)) }));
  const last = points.at(-1);
  return [
    `<polyline points="${places.map((place) => `${place.x},${place.y}`).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...places.map((place) => `<circle cx="${place.x}" cy="${place.y}" r="3" fill="${color}"/>`),
    `<text x="${PLOT.right + 10}" y="${fixed(nameAt + 4)}" fill="${color}">${escape(name)} ${label(last?.y ?? 0)}</text>`,
  ].join('');
}

/** A logarithmic axis from a power of ten at or below the values to one at or above them. */
function scale(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return {
    decades: Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at)),
    place: (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
  };
}

/** Moves heights apart that are too near to each other, in the order in which they stand. */
function spread(heights: readonly number[]): readonly number[] {
  const placed = [...heights];
  let free = Number.NEGATIVE_INFINITY;
  for (const at of heights.map((_, index) => index).toSorted((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0))) {
    placed[at] = Math.max(heights[at] ?? 0, free);
    free = (placed[at] ?? 0) + LINE;
  }
  return placed;
}

const tick = (x: number, y: number, anchor: string, text: string): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" fill="#4b5563">${text}</text>`;
const fixed = (value: number): string => value.toFixed(1);
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function label(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}

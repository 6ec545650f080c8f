import { normalizeName } from '../names/project-name.ts';
import { escapeHtml } from './escape-html.ts';
import { API_VERSION, type ProjectFile, type ProjectPage, type ProjectStatus, offeredFiles } from './project-page.ts';
import type { RootProject } from './root-page.ts';

/**
 * A project page in HTML (PEP 503, 592, 629, 658, 714, 792), frozen at API 1.4 by PEP 833.
 *
 * Readers scan these pages with regular expressions, so the order of attributes and the white space are PyPI's. Everything
 * is ASCII.
 */
export function renderProjectHtml(page: ProjectPage): string {
  const serial = page.meta?.get('_last-serial');
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '  <head>',
    `    <meta name="pypi:repository-version" content="${API_VERSION}">`,
    ...statusTags(page.status),
    `    <title>Links for ${escapeHtml(page.name)}</title>`,
    '  </head>',
    '  <body>',
    `    <h1>Links for ${escapeHtml(page.name)}</h1>`,
    ...offeredFiles(page).map(anchor),
    '  </body>',
    '</html>',
    ...(typeof serial === 'number' ? [`<!--SERIAL ${serial}-->`] : []),
    '',
  ].join('\n');
}

function statusTags(status: ProjectStatus | undefined): string[] {
  if (!status) return [];
  const tags = [`    <meta name="pypi:project-status" content="${status.status}">`];
  if (status.reason !== undefined)
    tags.push(`    <meta name="pypi:project-status-reason" content="${escapeHtml(status.reason)}">`);
  return tags;
}

function anchor(file: ProjectFile): string {
  const { requiresPython, yanked, coreMetadata } = file;
  const attributes = [
    `href="${escapeHtml(file.url)}#sha256=${escapeHtml(file.sha256)}"`,
    ...(requiresPython === undefined ? [] : [`data-requires-python="${escapeHtml(requiresPython)}"`]),
    // The attribute's presence says "yanked"; its value is the reason, if there is one.
    ...(yanked === undefined ? [] : [`data-yanked="${yanked === true ? '' : escapeHtml(yanked)}"`]),
    // PEP 714: both names, the older for clients from before it.
    ...(coreMetadata ? [metadataHash('data-dist-info-metadata', coreMetadata)] : []),
    ...(coreMetadata ? [metadataHash('data-core-metadata', coreMetadata)] : []),
  ];
  return `    <a ${attributes.join(' ')}>${escapeHtml(file.filename)}</a><br />`;
}

const metadataHash = (name: string, { sha256 }: { readonly sha256: string }): string =>
  `${name}="sha256=${escapeHtml(sha256)}"`;

/** The root page in HTML. Addresses are relative to the page, which ends in `/`. */
export function renderRootHtml(projects: Iterable<string | RootProject>, lastSerial?: number): string {
  const anchors: string[] = [];
  for (const project of projects) {
    const name = typeof project === 'string' ? project : project.name;
    anchors.push(`    <a href="${normalizeName(name)}/">${escapeHtml(name)}</a>`);
  }
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '  <head>',
    `    <meta name="pypi:repository-version" content="${API_VERSION}">`,
    '    <title>Simple index</title>',
    '  </head>',
    '  <body>',
    ...anchors,
    '  </body>',
    '</html>',
    ...(lastSerial === undefined ? [] : [`<!--SERIAL ${lastSerial}-->`]),
    '',
  ].join('\n');
}

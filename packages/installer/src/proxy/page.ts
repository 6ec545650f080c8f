import { hash } from 'node:crypto';
import {
  type ProjectFile,
  type ProjectPage,
  negotiateSimpleFormat,
  renderProjectHtml,
  renderProjectJson,
} from '@holdfast/python-index';
import { fileUrlPath } from '@holdfast/trust';
import type { VerifiedDistribution, VerifiedProject } from '../client/verified-project.ts';
import type { Document } from './reply.ts';

/** The Simple API page of a project (PEP 503, 691), rendered from verified roles and from nothing else. */
export function renderPage(project: VerifiedProject, accept: string | undefined): Document {
  const { format, contentType } = negotiateSimpleFormat(accept);
  const page = toPage(project);
  const body = Buffer.from(format === 'json' ? renderProjectJson(page) : renderProjectHtml(page), 'utf8');
  return { body, contentType, etag: `"${hash('sha256', body, 'hex').slice(0, 32)}"`, immutable: false };
}

function toPage({ name, files, index, timestampVersion }: VerifiedProject): ProjectPage {
  const meta = new Map<`_${string}`, string | number>([
    ['_holdfast-index', index],
    ['_holdfast-timestamp', timestampVersion],
  ]);
  return { name, files: files.map(toFile), meta };
}

/** Addresses are relative, so that a page means the same under every address of the proxy. */
function toFile(file: VerifiedDistribution): ProjectFile {
  const { filename, sha256, size, uploadTime, requiresPython, yanked, coreMetadata } = file;
  return {
    filename,
    url: `../../${fileUrlPath(file.path, sha256).split('/').map(encodeURIComponent).join('/')}`,
    sha256,
    size,
    uploadTime,
    ...(requiresPython !== undefined && { requiresPython }),
    ...(yanked !== undefined && { yanked }),
    ...(coreMetadata && { coreMetadata: { sha256: coreMetadata.sha256 } }),
  };
}

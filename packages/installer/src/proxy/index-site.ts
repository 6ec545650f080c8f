import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProjectName } from '@holdfast/python-index';
import type { IndexClient } from '../client/index-client.ts';
import type { VerifiedDistribution } from '../client/verified-project.ts';
import { NotVouchedError } from '../errors.ts';
import type { Journal } from './journal.ts';
import { renderPage } from './page.ts';
import { ReadAhead } from './read-ahead.ts';
import { sendDocument, sendFile, sendProblem } from './reply.ts';
import { parseRoute } from './routes.ts';

/** One trusted index as the proxy shows it: project pages, metadata and files, all verified before the first byte. */
export class IndexSite {
  readonly client: IndexClient;
  readonly #journal: Journal;
  readonly #ahead: ReadAhead;

  constructor(client: IndexClient, journal: Journal) {
    this.client = client;
    this.#journal = journal;
    this.#ahead = new ReadAhead(client);
  }

  /** Fetches nothing more ahead of time. */
  stop(): Promise<void> {
    return this.#ahead.stop();
  }

  /** @param path below the index's root, as sent, without query */
  async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const route = parseRoute(path);
    switch (route.kind) {
      case 'redirect':
        return void response.writeHead(301, { location: route.to, 'content-length': 0 }).end();
      case 'project':
        return this.#guarded(request, response, route.project, () => this.#page(request, response, route.project));
      case 'file':
        return this.#guarded(request, response, route.filename, async () => {
          const file = await this.#listed(route);
          const open = async () => {
            this.#ahead.file(file);
            const verified = await this.client.openFile(file);
            this.#journal.handOut(file);
            return verified;
          };
          await sendFile(request, response, { sha256: file.sha256, size: file.size, open });
        });
      case 'metadata':
        return this.#guarded(request, response, `${route.filename}.metadata`, async () => {
          await this.#metadata(request, response, await this.#listed(route));
        });
      case 'all':
        return sendProblem(request, response, 404, 'Holdfast does not list all projects', this.#whyNotAll());
      case 'nothing':
        return sendProblem(request, response, 404, 'Not Found', `There is nothing at ${path.slice(0, 200)}.`);
    }
  }

  /** A list of all names takes every role of the index, hundreds of megabytes of a large one; no installer asks for it. */
  #whyNotAll(): string {
    const { name, mirrorUrls } = this.client;
    return (
      `Only what is verified is shown here, and one project at a time, at simple/PROJECT/: to verify a list of all projects of ${name}, ` +
      `everything that it ever signed would have to be fetched. pip and uv do not need the list. The index itself has one, which nobody has verified: ${mirrorUrls[0]}simple/`
    );
  }

  async #page(request: IncomingMessage, response: ServerResponse, project: ProjectName): Promise<void> {
    const verified = await this.client.project(project);
    if (verified) {
      this.#ahead.page(verified);
      return sendDocument(request, response, renderPage(verified, request.headers.accept));
    }
    const detail = `The verified metadata of ${this.client.name} lists no project named ${project}.`;
    sendProblem(request, response, 404, 'Not Found', detail);
  }

  async #metadata(request: IncomingMessage, response: ServerResponse, file: VerifiedDistribution): Promise<void> {
    this.#ahead.metadata(file);
    const body = await this.client.coreMetadata(file);
    if (!body || !file.coreMetadata)
      return sendProblem(request, response, 404, 'Not Found', `${file.filename} has no separate metadata.`);
    const etag = `"${file.coreMetadata.sha256}"`;
    sendDocument(request, response, { body, contentType: 'text/plain; charset=utf-8', etag, immutable: true });
  }

  /** The verified entry of the file that an address names. A lock file may name one that is no longer vouched for. */
  async #listed(route: { project: ProjectName; filename: string; sha256: string }): Promise<VerifiedDistribution> {
    const verified = await this.client.project(route.project);
    const file = verified?.files.find(({ filename }) => filename === route.filename);
    if (!file) throw new NotVouchedError(this.client.name, route.filename, 'verified metadata does not list this file');
    if (file.sha256 !== route.sha256)
      throw new NotVouchedError(this.client.name, route.filename, 'verified metadata lists it with another hash');
    return file;
  }

  async #guarded(
    request: IncomingMessage,
    response: ServerResponse,
    subject: string,
    answer: () => Promise<void>,
  ): Promise<void> {
    try {
      await answer();
    } catch (error) {
      if (response.destroyed || request.destroyed) return;
      const { explanation } = this.#journal.refuse(this.client.name, subject, error);
      const detail = `${explanation.sentence} ${explanation.remedy}`;
      // 409: neither pip nor uv tries again, and uv prints the detail.
      sendProblem(request, response, 409, `Holdfast refused ${subject}: ${explanation.sentence}`, detail);
    }
  }
}

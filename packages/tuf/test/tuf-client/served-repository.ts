import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type TargetFile, targetUrlPath } from '@holdfast/tuf';
import { DAY_MS, type RoleContent, TestRepository } from '../repository.ts';

/** Days from the real now: clients in other processes have no other clock. */
export const fromNow = (days: number): Date => new Date(Date.now() + days * DAY_MS);

export function targetOf(content: string | Uint8Array, algorithms: readonly string[] = ['sha256']): TargetFile {
  const bytes = Buffer.from(content);
  const hashes = algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')] as const);
  return { length: bytes.length, hashes: new Map(hashes) };
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A repository that is valid today, behind a real server that keeps count of what it is asked. */
export class ServedRepository implements AsyncDisposable {
  readonly repository: TestRepository;
  /** In order: `GET /metadata/2.root.json`. */
  readonly requests: string[] = [];
  /** By path of the URL, as it is asked for: what is answered instead of the file. */
  readonly answers = new Map<string, Answer>();
  private readonly server: Server;

  private constructor(repository: TestRepository) {
    this.repository = repository;
    this.server = createServer((request, response) => this.answer(request, response));
  }

  /** Its first trusted root is version 2: version 1 is as old as the tests' fixed clock. */
  static async start(): Promise<ServedRepository> {
    const repository = await TestRepository.create();
    repository.expires = { root: fromNow(365), timestamp: fromNow(1), snapshot: fromNow(7) };
    const served = new ServedRepository(repository);
    served.setRole('targets', { signers: repository.signers.targets });
    await repository.publishRoot();
    await repository.publish();
    served.server.listen(0, '127.0.0.1');
    await once(served.server, 'listening');
    return served;
  }

  get trustedRoot(): Uint8Array {
    return this.repository.file('2.root.json');
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  setRole(name: string, content: RoleContent): void {
    this.repository.roles.set(name, { expires: fromNow(90), ...content });
  }

  /** Lists the targets in the top-level role and offers their content. */
  async publishTargets(contents: Readonly<Record<string, string>>, algorithms?: readonly string[]): Promise<void> {
    const targets = new Map<string, TargetFile>();
    for (const [path, content] of Object.entries(contents)) {
      const file = targetOf(content, algorithms);
      targets.set(path, file);
      this.offer(path, file, content);
    }
    this.setRole('targets', { signers: this.repository.signers.targets, targets });
    await this.repository.publish();
  }

  offer(path: string, file: TargetFile, content: string): void {
    const urlPath = targetUrlPath(path, file, this.repository.consistentSnapshot);
    this.repository.files.set(`targets/${decodeURIComponent(urlPath)}`, Buffer.from(content));
  }

  /** What was asked since the last call, without the method where it is GET. */
  takeRequests(): readonly string[] {
    return this.requests.splice(0).map((request) => request.replace(/^GET \/(?:metadata\/)?/, ''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    this.requests.push(`${request.method} ${url}`);
    const special = this.answers.get(url);
    if (special !== undefined) return special(request, response);
    const name = url.replace(/^\/(?:metadata\/)?/, '');
    const bytes = this.repository.files.get(name) ?? this.repository.files.get(decodeURIComponent(name));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  }
}

/** What the started tool is told through its environment. */
export interface EnvironmentPlan {
  /** Where the proxy listens. */
  readonly proxyUrl: string;
  /** The index as tools see it that go through HTTP_PROXY for certain: pip and uv. The same in every run. */
  readonly stableIndexUrl: string;
  /** The index at the address where the proxy really listens, for every other tool. */
  readonly directIndexUrl: string;
  /** Further trusted indexes, if the user asked for them; stable addresses. */
  readonly extraIndexUrls: readonly string[];
  /** Some hosts are reached unverified, over a network that may fail: then retries make sense. */
  readonly reachesOutside: boolean;
}

/** Seconds. Nothing is sent before a file is verified completely, so tools must wait for big ones. */
const PATIENCE_S = '600';

/** Settings of the user that would name other sources. They are replaced, and the user is told. */
const REPLACED = [
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'PIP_FIND_LINKS',
  'PIP_PROXY',
  'UV_DEFAULT_INDEX',
  'UV_INDEX',
  'UV_INDEX_URL',
  'UV_EXTRA_INDEX_URL',
  'UV_FIND_LINKS',
  'PDM_PYPI_URL',
  'PIPENV_PYPI_MIRROR',
  'POETRY_PYPI_MIRROR_URL',
];

/**
 * Holdfast's own variables hold phrases, keys and tokens of developers and operators. A tool runs what it installs, and no such code
 * is to read them.
 */
const OWN_SECRET = /^HOLDFAST_(?!HOME$|DEBUG$)/;

/** The environment for a tool that must fetch through the proxy, and the user's settings that it replaces. */
export function toolEnvironment(
  base: NodeJS.ProcessEnv,
  plan: EnvironmentPlan,
): { environment: NodeJS.ProcessEnv; replaced: readonly string[] } {
  const replaced = REPLACED.filter((name) => (base[name] ?? '').trim() !== '');
  const kept = Object.entries(base).filter(
    ([name]) => !REPLACED.includes(name) && !OWN_SECRET.test(name) && !/^(https?|all|ftp|no)_proxy$/i.test(name),
  );
  const once = (name: string, value: string): NodeJS.ProcessEnv => (base[name] === undefined ? { [name]: value } : {});
  const environment: NodeJS.ProcessEnv = {
    ...Object.fromEntries(kept),
    ...everyProxyVariable(plan.proxyUrl),
    PIP_PROXY: plan.proxyUrl,
    PIP_INDEX_URL: plan.stableIndexUrl,
    // pip ignores empty variables and would read its configuration file; a space is a list without entries.
    PIP_EXTRA_INDEX_URL: plan.extraIndexUrls.join(' ') || ' ',
    PIP_FIND_LINKS: ' ',
    // No PIP_TRUSTED_HOST: pip then keeps no second copy of what the store holds, and is quicker for it.
    ...once('PIP_DEFAULT_TIMEOUT', PATIENCE_S),
    ...once('PIP_DISABLE_PIP_VERSION_CHECK', '1'),
    UV_DEFAULT_INDEX: plan.stableIndexUrl,
    ...(plan.extraIndexUrls.length > 0 && { UV_INDEX: plan.extraIndexUrls.join(' ') }),
    ...once('UV_HTTP_TIMEOUT', PATIENCE_S),
    // The proxy asks again, and asks other mirrors; what it refuses stays refused.
    ...(!plan.reachesOutside && { ...once('PIP_RETRIES', '0'), ...once('UV_HTTP_RETRIES', '0') }),
    PDM_PYPI_URL: plan.directIndexUrl,
    PIPENV_PYPI_MIRROR: plan.directIndexUrl,
    POETRY_PYPI_MIRROR_URL: plan.directIndexUrl,
  };
  return { environment, replaced };
}

/** No NO_PROXY: a server on this very machine is no more trusted than any other. */
function everyProxyVariable(url: string): NodeJS.ProcessEnv {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
  return Object.fromEntries(names.flatMap((name) => [[name, url] as const, [name.toLowerCase(), url] as const]));
}

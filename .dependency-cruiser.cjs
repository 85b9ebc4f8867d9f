// Who may import whom. The layers of docs/ARCHITECTURE.md, and one folder for each third-party package.
const LAYERS = {
  core: [],
  'native-free': [],
  arrow: ['core', 'native-free'],
  formats: ['core', 'native-free', 'arrow'],
  storage: ['core', 'native-free', 'arrow'],
  query: ['core', 'native-free', 'arrow', 'formats'],
  workers: ['core', 'native-free', 'query'],
  http: ['core', 'native-free', 'arrow', 'formats'],
  flight: ['core', 'native-free', 'arrow'],
};
const PACKAGES = {
  fastify: 'http',
  'prom-client': 'http',
  '@grpc/grpc-js': 'flight',
  'apache-arrow': 'arrow',
  flatbuffers: 'arrow',
  lmdb: 'storage',
  piscina: 'workers',
  'smol-toml': 'cli',
  hyparquet: 'formats',
  'hyparquet-compressors': 'formats',
  'hyparquet-writer': 'formats',
  'node-sql-parser': 'query/dialects',
};
const folderOf = (layer) => (layer === 'native-free' ? '^native-free/' : `^src/${layer}/`);

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...Object.entries(LAYERS).map(([layer, allowed]) => ({
      name: `layer-${layer}`,
      severity: 'error',
      from: { path: folderOf(layer) },
      to: { path: '^(src|native-free)/', pathNot: [layer, ...allowed].map(folderOf) },
    })),
    ...Object.entries(PACKAGES).map(([name, folder]) => ({
      name: `package-${name.replace(/\W+/g, '-')}`,
      severity: 'error',
      from: { pathNot: `^src/${folder}/` },
      to: { path: `^node_modules/${name}/` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'], conditionNames: ['import', 'node', 'default'], exportsFields: ['exports'] },
  },
};

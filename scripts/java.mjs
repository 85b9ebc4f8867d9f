// The Java side of the tests: the Flight SQL JDBC driver from Maven Central, fetched once to node_modules/.cache where Java and Maven are there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

const VERSION = '18.3.0';

/** Path of the driver, or undefined when it cannot be had. */
export function prepareJdbcDriver() {
  const folder = join(root, 'node_modules/.cache/fletch/java');
  const jar = join(folder, `flight-sql-jdbc-driver-${VERSION}.jar`);
  if (existsSync(jar)) return jar;
  if (spawnSync('java', ['-version']).status !== 0) return undefined;
  mkdirSync(folder, { recursive: true });
  console.error('fletchdb: preparing the JDBC driver for the tests (once)');
  const artifact = `org.apache.arrow:flight-sql-jdbc-driver:${VERSION}`;
  spawnSync('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`], { stdio: ['ignore', 2, 2] });
  return existsSync(jar) ? jar : undefined;
}

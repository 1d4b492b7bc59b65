/**
 * What a role or a playbook of your own is made of; docs/extending.md has a worked example.
 *
 * @packageDocumentation
 */
export * as v from 'valibot'
export type { Artifact, ArtifactSource } from './engine/artifacts/artifact.ts'
export { localBuild } from './engine/artifacts/local-build.ts'
export { mavenJars } from './engine/artifacts/maven-jars.ts'
export { npmPackage } from './engine/artifacts/npm-package.ts'
export { publishedArchive } from './engine/artifacts/published-archive.ts'
export { pythonWheel } from './engine/artifacts/python-wheel.ts'
export { main } from './engine/cli/main.ts'
export type { PlaybookCommand, Registry } from './engine/cli/registry.ts'
export { SluiceError } from './engine/errors.ts'
export type { Facts } from './engine/facts.ts'
export type { Host, Inventory } from './engine/inventory.ts'
export { definePlaybook as playbook, type Play, type Playbook } from './engine/playbook.ts'
export {
  type Change,
  compare,
  defineResource as resource,
  type HostProbe,
  type JointProbe,
  type Resource,
  run,
  type Step,
} from './engine/resource.ts'
export { group, user } from './engine/resources/account.ts'
export { aptPackage } from './engine/resources/apt-package.ts'
export { archive } from './engine/resources/archive.ts'
export { command } from './engine/resources/command.ts'
export { directory } from './engine/resources/directory.ts'
export { file, template } from './engine/resources/file.ts'
export { listeningPort } from './engine/resources/listening-port.ts'
export { artifactFile, release } from './engine/resources/release.ts'
export { symlink } from './engine/resources/symlink.ts'
export { sysctl } from './engine/resources/sysctl.ts'
export { systemdUnit } from './engine/resources/systemd-unit.ts'
export { unitInstances } from './engine/resources/unit-instances.ts'
export { waitFor } from './engine/resources/wait-for.ts'
export { defineRole as role, type Role, type RoleContext } from './engine/role.ts'
export { Secret } from './engine/secret.ts'
export { SecretVariable as secret } from './engine/secret-variable.ts'
export { lines, type Script, sh } from './engine/shell.ts'
export { JsonDocument } from './playbooks/json-document.ts'
export { project } from './project.ts'

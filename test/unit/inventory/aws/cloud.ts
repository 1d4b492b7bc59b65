import type { Instance, Observation, SecurityGroup } from '../../../../inventory/aws/observation.ts'
import { type AwsSettings, awsSettings } from '../../../../inventory/aws/settings.ts'

/** The settings of a project that says nothing about AWS, with these instead. */
export function settingsWith(changes: Partial<AwsSettings> = {}): AwsSettings {
  return { ...awsSettings('/nowhere', {}), ...changes }
}

/** An instance that runs, with one interface. */
export function instanceWith(
  changes: Partial<Instance> & { addresses?: string[]; groups?: string[] },
): Instance {
  const { addresses = ['10.0.1.10'], groups = [], ...rest } = changes
  return {
    id: 'i-1',
    region: 'eu-central-1',
    state: 'running',
    image: 'ami-1',
    type: 't3.small',
    zone: 'eu-central-1a',
    tags: { Project: 'sluice', Role: 'kafka', Name: 'vm1' },
    interfaces: [{ id: 'eni-1', addresses, securityGroups: groups }],
    ...rest,
  }
}

export function groupWith(changes: Partial<SecurityGroup>): SecurityGroup {
  return { id: 'sg-1', name: 'kafka', account: '111111111111', ingress: [], ...changes }
}

export function observationWith(changes: Partial<Observation>): Observation {
  return {
    regions: ['eu-central-1'],
    instances: [],
    seen: [],
    securityGroups: [],
    members: {},
    prefixLists: {},
    images: { 'ami-1': 'ubuntu/images/hvm-ssd/ubuntu-noble-24.04-amd64-server-20260101' },
    ...changes,
  }
}

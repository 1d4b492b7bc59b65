import { paginateDescribeImages } from '@aws-sdk/client-ec2'
import { SluiceError } from '../../../engine/errors.ts'
import { type ImageWish, imageName } from './image-wish.ts'
import type { RegionApi } from './region-api.ts'

/** Accounts by which Debian and Canonical publish, and what they call the images of a release. */
const published: Record<string, { owner: string; name: string }> = {
  'debian-12': { owner: '136693071363', name: 'debian-12-{debian}-2*' },
  'ubuntu-22.04': { owner: '099720109477', name: 'ubuntu/images/*ubuntu-jammy-22.04-{debian}-server-*' },
  'ubuntu-24.04': { owner: '099720109477', name: 'ubuntu/images/*ubuntu-noble-24.04-{debian}-server-*' },
}

/** The names that stand for the newest image of a release. */
const publishedImages = Object.keys(published)

type Architecture = 'arm64' | 'x86_64'

export interface Image {
  id: string
  rootDevice: string
}

interface Wish {
  image: ImageWish
  type: string
}

/** Hosts, those that are not there yet with the identifiers of their images; what several wish for is asked for once. */
export async function withImages<Host extends Wish & { name: string }>(
  api: RegionApi,
  hosts: readonly Host[],
  there: readonly string[],
): Promise<(Host & { imageId?: string })[]> {
  const images = new Map<string, Promise<Image>>()
  const imageOf = ({ image, type }: Wish) => {
    const wish = JSON.stringify([image, architectureOf(type)])
    const asked = images.get(wish) ?? resolveImage(api, { image, type })
    images.set(wish, asked)
    return asked
  }
  return Promise.all(
    hosts.map(async (host) =>
      there.includes(host.name) ? host : { ...host, imageId: (await imageOf(host)).id },
    ),
  )
}

/**
 * The image that is meant: by its identifier or the parameter of SSM that has it, or the newest one of a release or of an
 * owner's own, for the processor that the type of instance has.
 *
 * @throws SluiceError AWS_REFUSED when there is none
 */
export async function resolveImage(api: RegionApi, { image, type }: Wish): Promise<Image> {
  const architecture = architectureOf(type)
  const question = await questionFor(api, image, architecture)
  const found = await api.list(
    'DescribeImages',
    paginateDescribeImages(api.paging, question, api.sending),
    (page) => page.Images,
  )
  const fitting = found
    .filter(
      (each) =>
        (each.Architecture ?? architecture) === architecture && (each.State ?? 'available') === 'available',
    )
    .sort((left, right) => ((left.CreationDate ?? '') < (right.CreationDate ?? '') ? 1 : -1))
  const [newest] = fitting
  if (newest?.ImageId !== undefined) {
    return { id: newest.ImageId, rootDevice: newest.RootDeviceName ?? '/dev/xvda' }
  }
  const [other] = found
  throw new SluiceError('AWS_REFUSED', {
    subject: `${api.region} has no image ${imageName(image)} for ${type} (${architecture})`,
    ...(other !== undefined && { why: `${other.ImageId} is for ${other.Architecture}` }),
    advice: `set aws.up.image to one of ${publishedImages.join(', ')}, an ami-… of this region, {"ssm": "/aws/service/debian/release/12/latest/${debianName(architecture)}"} or {"owner": "self", "name": "my-image-*"}`,
  })
}

/** What AWS calls the processor of a type: those of families with a `g` behind their number are Arm's. */
export function architectureOf(type: string): Architecture {
  const [family = ''] = type.split('.')
  return /^(a1|[a-z]+\d+[a-z]*g[a-z]*)$/.test(family) ? 'arm64' : 'x86_64'
}

async function questionFor(api: RegionApi, image: ImageWish, architecture: Architecture) {
  const byId = (id: string) => ({ Filters: [{ Name: 'image-id', Values: [id] }], IncludeDeprecated: true })
  if (typeof image === 'object' && 'ssm' in image) {
    // Nearly nobody needs that client, and it is not small.
    const { imageOfParameter } = await import('./image-parameter.ts')
    return byId(await imageOfParameter(api, image.ssm))
  }
  if (typeof image === 'string' && !(image in published)) return byId(image)
  const { owner, name } = (typeof image === 'string' ? published[image] : image) ?? {
    owner: 'self',
    name: '',
  }
  const pattern = name.replace('{debian}', debianName(architecture))
  return { Owners: [owner], Filters: [{ Name: 'name', Values: [pattern] }] }
}

function debianName(architecture: Architecture): string {
  return architecture === 'x86_64' ? 'amd64' : architecture
}

import { paginateDescribeImages } from '@aws-sdk/client-ec2'
import { SluiceError } from '../../../engine/errors.ts'
import type { RegionApi } from './region-api.ts'

/** Accounts by which Debian and Canonical publish, and what they call the images of a release. */
const published: Record<string, { owner: string; name: string }> = {
  'debian-12': { owner: '136693071363', name: 'debian-12-{debian}-2*' },
  'ubuntu-22.04': { owner: '099720109477', name: 'ubuntu/images/*ubuntu-jammy-22.04-{debian}-server-*' },
  'ubuntu-24.04': { owner: '099720109477', name: 'ubuntu/images/*ubuntu-noble-24.04-{debian}-server-*' },
}

/** The names that stand for the newest image of a release. */
export const publishedImages = Object.keys(published)

export interface Image {
  id: string
  rootDevice: string
}

export type ImageWish = string | { owner: string; name: string }

/**
 * The image that is meant: by its identifier, or the newest one of a release or of an owner's own, for the processor
 * that the type of instance has.
 *
 * @throws SluiceError AWS_REFUSED when there is none
 */
export async function resolveImage(
  api: RegionApi,
  { image, type }: { image: ImageWish; type: string },
): Promise<Image> {
  const architecture = architectureOf(type)
  const found = await api.list(
    'DescribeImages',
    paginateDescribeImages(api.paging, questionFor(image, architecture), api.sending),
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
    subject: `${api.region} has no image ${typeof image === 'string' ? image : `${image.name} of ${image.owner}`} for ${type} (${architecture})`,
    ...(other !== undefined && { why: `${other.ImageId} is for ${other.Architecture}` }),
    advice: `set aws.up.image to one of ${publishedImages.join(', ')}, an ami-… of this region, or {"owner": "self", "name": "my-image-*"}`,
  })
}

/** What AWS calls the processor of a type: those of families with a `g` behind their number are Arm's. */
export function architectureOf(type: string): 'arm64' | 'x86_64' {
  const [family = ''] = type.split('.')
  return /^(a1|[a-z]+\d+[a-z]*g[a-z]*)$/.test(family) ? 'arm64' : 'x86_64'
}

function questionFor(image: ImageWish, architecture: 'arm64' | 'x86_64') {
  if (typeof image === 'string' && !(image in published)) {
    return { Filters: [{ Name: 'image-id', Values: [image] }], IncludeDeprecated: true }
  }
  const { owner, name } = (typeof image === 'string' ? published[image] : image) ?? {
    owner: 'self',
    name: '',
  }
  const pattern = name.replace('{debian}', architecture === 'x86_64' ? 'amd64' : 'arm64')
  return { Owners: [owner], Filters: [{ Name: 'name', Values: [pattern] }] }
}

import * as v from 'valibot'

/** How AWS itself writes a parameter of SSM in the place of an image. */
const resolved = 'resolve:ssm:'

const Text = v.pipe(v.string(), v.nonEmpty('should not be empty'))

/** Its name, with `:` and a version or a label behind it where one is meant, or the ARN of one that others share. */
const Parameter = v.pipe(
  Text,
  v.regex(
    /^[a-zA-Z0-9_./:-]+$/,
    'should be the name of an SSM parameter, such as /aws/service/debian/release/12/latest/amd64',
  ),
)

const BySsm = v.strictObject({ ssm: Parameter })

/** Which image is meant: by name or identifier, by what its owner calls it, or by the SSM parameter that says it. */
export const ImageWish = v.union(
  [
    v.pipe(Text, v.transform(asWritten), v.union([v.string(), BySsm])),
    BySsm,
    v.strictObject({ owner: Text, name: Text }),
  ],
  'should be a name, an ami-…, {owner, name} or {ssm}',
)
export type ImageWish = v.InferOutput<typeof ImageWish>

/** What is meant, as users know it. */
export function imageName(image: ImageWish): string {
  if (typeof image === 'string') return image
  return 'ssm' in image ? image.ssm : `${image.name} of ${image.owner}`
}

function asWritten(text: string): string | { ssm: string } {
  return text.startsWith(resolved) ? { ssm: text.slice(resolved.length) } : text
}

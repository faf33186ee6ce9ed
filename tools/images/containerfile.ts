// The Containerfile of an image: the folders that `npm run images -- --folders` makes, with the recipe's user and program.
import { recipes, type ImageName } from './recipes.ts';

export function containerfileOf(name: ImageName, version: string): string {
  const { programs, user } = recipes[name];
  const layers = ['node', ...(programs ? ['programs'] : []), 'app'];
  return `# Made from tools/images/recipes.ts by \`npx vitest run --project tools containerfile -u\`: change it there.
# The image ${name} with the content that \`npm run images\` gives it, for docker, podman and buildah. From the root of the repository:
#   docker build --file packages/${name}/Containerfile --tag "$REGISTRY/aad-pod-identity/${name}:${version}" \\
#     --build-arg SOURCE_COMMIT=$(git rev-parse HEAD) --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) .
# Any image of Debian 13 with Node 20 or later and npm.
ARG BUILD_IMAGE=node:24-trixie
FROM \${BUILD_IMAGE} AS build
ARG SOURCE_COMMIT=unknown
ARG SOURCE_DATE_EPOCH=0
ARG TARGETARCH
WORKDIR /source
COPY . .
RUN npm run images -- ${name} --folders --out /layers --arch "\${TARGETARCH:-amd64}"

# No shell and no package manager: the folders are all that there is.
FROM scratch
ARG SOURCE_COMMIT=unknown
LABEL org.opencontainers.image.licenses="MIT" \\
  org.opencontainers.image.revision="\${SOURCE_COMMIT}" \\
  org.opencontainers.image.title="${name}" \\
  org.opencontainers.image.version="${version}"
ENV PATH=/usr/sbin:/usr/bin
${layers.map((layer) => `COPY --from=build /layers/${name}/${layer} /`).join('\n')}
WORKDIR /
USER ${user}
ENTRYPOINT ["/usr/bin/node", "/app/${name}.js"]
`;
}

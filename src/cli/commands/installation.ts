import type { Command } from "commander";
import { installationKeyFile, openInstallationKeys, rotateInstallationKey } from "../../config/installation-key.ts";
import { GraphkeeperError } from "../../core/errors.ts";
import type { Keyring } from "../../core/keyring.ts";
import type { MakeContext } from "../context.ts";
import { table } from "../wire.ts";

/** installation show, rotate: the key that audits are chained with and certificates signed with. */
export function installationCommands(program: Command, context: MakeContext): void {
  const installation = program.command("installation").description("the key of this installation");
  const shown = (keyring: Keyring, file: string | null) => ({
    result: { file, keys: keyring.publicKeys },
    text: [
      ...table([
        ["KEY", "PUBLIC KEY (Ed25519, base64 of SubjectPublicKeyInfo)"],
        ...keyring.publicKeys.map(({ id, publicKey }) => [id, publicKey]),
      ]),
      `in ${file ?? "the configuration"}; the first is in use, the others check what they made`,
    ],
  });
  installation
    .command("show")
    .description("the ids and public keys, without the secrets")
    .action((_options: object, self: Command) => {
      const cli = context(self);
      const { keyring, file, isNew } = openInstallationKeys(cli.config);
      if (isNew) {
        const path = installationKeyFile(cli.config);
        const message = `There is no key file ${path}; the first command that writes makes it.`;
        throw new GraphkeeperError("NOT_FOUND", message, { path });
      }
      const { result, text } = shown(keyring, file);
      cli.output.result(result, text);
    });
  installation
    .command("rotate")
    .description("begin a new key; a running server takes it with its next start, the old keys stay to check with")
    .action((_options: object, self: Command) => {
      const cli = context(self);
      const { result, text } = shown(rotateInstallationKey(cli.config), installationKeyFile(cli.config));
      cli.output.result(result, text);
    });
}

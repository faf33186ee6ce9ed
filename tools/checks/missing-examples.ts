// Exported functions without an example in their doc comment.
import ts from 'typescript';

/** The names of the functions that the module exports, itself or from another file, and whose doc comment has no `@example`. */
export function functionsWithoutExample(entry: string): string[] {
  const program = ts.createProgram([entry], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} is no module: run npm run build first`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter((symbol) => {
      const { valueDeclaration } = symbol;
      if (valueDeclaration === undefined) return false;
      const isFunction =
        checker.getTypeOfSymbolAtLocation(symbol, valueDeclaration).getCallSignatures().length > 0;
      return isFunction && !symbol.getJsDocTags(checker).some(({ name }) => name === 'example');
    })
    .map(({ name }) => name);
}

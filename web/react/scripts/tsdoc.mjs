/**
 * Checks that the public API is documented. Starts at the entry points in package.json and follows the types that their
 * exports mention. Fails for exported declarations, and for members of interfaces, type literals and classes, without a
 * TSDoc description.
 *
 * Not checked: discriminants such as `type: 'connected'`, which their interface describes, and generated.ts, whose
 * comments come from the OpenAPI document.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = join(ROOT, 'src');

/** Returns the source files of the entry points. */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return Object.values(exports).flatMap(({ types }) => {
    if (!types) return [];
    const path = resolve(ROOT, types.replace('./dist/', './src/').replace(/\.d\.ts$/, ''));
    if (path.includes('*')) return readdirSync(dirname(path)).map((name) => join(dirname(path), name));
    return [`${path}.ts`, `${path}.tsx`].filter((file) => existsSync(file));
  });
}

function createProgram(files) {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return ts.createProgram(files, options);
}

const files = entryPoints();
const program = createProgram(files);
const checker = program.getTypeChecker();
/** Declarations that have been found. */
const seen = new Set();
const problems = new Set();

const isOwn = (node) => {
  const { fileName } = node.getSourceFile();
  return fileName.startsWith(SOURCES) && !fileName.endsWith('generated.ts');
};

function report(node, text) {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  problems.add(`${relative(ROOT, file.fileName)}:${line + 1}: ${text}`);
}

function requireDescription(node, name) {
  const symbol = checker.getSymbolAtLocation(node.name ?? node) ?? node.symbol;
  if (symbol?.getDocumentationComment(checker).length) return;
  // Parameters and overloads: the comment is found at the node itself.
  if (ts.getJSDocCommentsAndTags(node).some(({ comment }) => comment)) return;
  report(node, `${name} has no description`);
}

/** Follows a symbol to its declarations in the sources of this package. */
function visitSymbol(symbol) {
  if (!symbol) return;
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  for (const declaration of target.declarations ?? []) {
    if (!isOwn(declaration) || seen.has(declaration)) continue;
    seen.add(declaration);
    visitDeclaration(declaration, target.name);
  }
}

function visitDeclaration(node, name) {
  if (ts.isSourceFile(node) || ts.isTypeParameterDeclaration(node)) return;
  const isExported = ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export;
  if (isExported) requireDescription(node, name);
  if (ts.isClassDeclaration(node)) return visitClass(node, name);
  if (ts.isVariableDeclaration(node)) {
    visitTypes(node.type ?? node.initializer, name);
    if (!node.type) visitInferred(checker.getTypeAtLocation(node));
    return;
  }
  visitTypes(node, name);
}

function visitClass(node, name) {
  for (const clause of node.heritageClauses ?? []) visitTypes(clause, name);
  for (const member of node.members) {
    const flags = ts.getCombinedModifierFlags(member);
    if (flags & ts.ModifierFlags.Private || (member.name && ts.isPrivateIdentifier(member.name))) continue;
    requireDescription(member, `${name}.${member.name?.getText() ?? 'constructor'}`);
    visitTypes(member, name);
    for (const parameter of member.parameters ?? []) {
      const isProperty = ts.isParameterPropertyDeclaration(parameter, member);
      if (isProperty) requireDescription(parameter, `${name}.${parameter.name.getText()}`);
    }
  }
}

/** Checks the members of the types below `node` and follows the names that they mention. Skips function bodies. */
function visitTypes(node, name) {
  if (!node || ts.isBlock(node)) return;
  if (ts.isTypeElement(node)) visitMember(node, name);
  if (ts.isUnionTypeNode(node)) {
    for (const variant of node.types.filter(ts.isTypeLiteralNode))
      report(variant, `a variant of ${name} is anonymous: declare an interface and describe it`);
  }
  if (ts.isTypeReferenceNode(node)) visitSymbol(checker.getSymbolAtLocation(node.typeName));
  if (ts.isExpressionWithTypeArguments(node)) visitSymbol(checker.getSymbolAtLocation(node.expression));
  if (ts.isTypeQueryNode(node)) visitSymbol(checker.getSymbolAtLocation(node.exprName));
  if (ts.isFunctionLike(node) && !node.type && node.body) {
    const signature = checker.getSignatureFromDeclaration(node);
    if (signature) visitInferred(checker.getReturnTypeOfSignature(signature));
  }
  const isFunction = ts.isFunctionLike(node);
  ts.forEachChild(node, (child) => {
    if (isFunction && child === node.body) return;
    visitTypes(child, name);
  });
}

function visitMember(member, name) {
  const isDiscriminant =
    member.type && ts.isLiteralTypeNode(member.type) && ts.isStringLiteral(member.type.literal);
  if (!isDiscriminant) requireDescription(member, `${name}.${member.name?.getText() ?? '(signature)'}`);
}

/** Follows the names of a type that is not written in the source. */
function visitInferred(type) {
  visitSymbol(type.aliasSymbol ?? type.symbol);
  for (const part of type.types ?? type.aliasTypeArguments ?? checker.getTypeArguments?.(type) ?? [])
    visitInferred(part);
}

for (const file of files) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  for (const symbol of checker.getExportsOfModule(module)) visitSymbol(symbol);
}
for (const problem of problems) console.error(problem);
console.log(`${seen.size} declarations, ${problems.size} without a description`);
process.exitCode = problems.size > 0 || seen.size === 0 ? 1 : 0;

//! Reading a stack: the client's order of work.

use std::path::Path;

use super::convert::Contents;
use super::decode::Decoder;
use super::fault::Fault;
use super::model::{Config, FileObject};
use super::node::Node;
use super::schema::{self, Version};
use super::source_env::SourceEnv;
use super::source_text::SourceText;
use super::sources::Sources;
use super::stack_file::Stack;
use super::warning::Warnings;
use super::{forbidden, interpolate, merge, read, yaml};
use crate::Result;

/// Secrets and configs may have 500 and 1000 KiB; what is far beyond is not even read.
const MOST_BYTES: u64 = 16 << 20;

/// Reads a stack from its files: YAML, variables, schema, decoding, environment files, merging.
/// The files of secrets and configs are read too; that one cannot be read is an error only when
/// the requests are asked for.
///
/// # Errors
/// A file that cannot be read, and everything that makes `docker stack config` refuse it. Errors
/// of kind [`ErrorKind::Stack`](crate::ErrorKind::Stack) name the place in the file.
pub fn load(sources: &Sources) -> Result<Stack> {
    let names = read::names(sources)?;
    let texts = read::texts(sources, &names)?;
    let home = sources.env.get("HOME").cloned();
    let env = SourceEnv {
        variables: &sources.env,
        folder: read::folder(&names, &sources.cwd),
        home: home.or_else(|| sources.home.as_ref().map(|home| home.to_string_lossy().into())),
    };
    let mut warnings = Warnings::default();
    let config = parse(&texts, &env, &mut warnings).map_err(|fault| fault.into_error(&texts))?;
    let contents = contents(&config);
    Ok(Stack { config, contents, warnings: warnings.finish(&texts), texts })
}

fn parse(
    texts: &[SourceText],
    env: &SourceEnv<'_>,
    warnings: &mut Warnings,
) -> Result<Config, Fault> {
    let mut tops = Vec::new();
    for (file, source) in (0..).zip(texts) {
        tops.push(yaml::parse(&source.text, file)?);
    }
    let mut base: Option<(Version, Config)> = None;
    let mut later_warnings = Warnings::default();
    forbidden::warn(&tops, warnings);
    for top in &mut tops {
        let version = Version::of(top);
        if let Some((first, _)) = &base {
            version.same_as(first)?;
        }
        forbidden::refuse(top)?;
        let config = one(top, &version, env, &mut later_warnings)?;
        match &mut base {
            None => base = Some((version, config)),
            Some((_, base)) => merge::merge(base, config, &mut later_warnings),
        }
    }
    warnings.append(later_warnings);
    Ok(base.map(|(_, config)| config).unwrap_or_default())
}

fn one(
    top: &mut Node,
    version: &Version,
    env: &SourceEnv<'_>,
    warnings: &mut Warnings,
) -> Result<Config, Fault> {
    interpolate::interpolate(top, env.variables, warnings)?;
    let minor = version.minor()?;
    schema::check(top, minor)?;
    Decoder { env, warnings, minor, ports: 0 }.config(top, version.to_string())
}

/// What the files of the stack's own secrets and configs hold.
fn contents(config: &Config) -> Contents {
    let own = |object: &&FileObject| !object.external.external && object.driver.is_empty();
    config
        .secrets
        .values()
        .chain(config.configs.values())
        .filter(own)
        .map(|object| {
            (
                object.file.clone(),
                read::read_limited(Path::new(&object.file), &object.file, MOST_BYTES),
            )
        })
        .collect()
}

//! What an executable or a shared library needs, according to its ELF headers.

use std::path::Path;

use object::elf;
use object::read::StringTable;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _};
use object::{Endianness, FileKind};

use crate::{Error, Result};

/// What an executable or a shared library needs in order to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElfHeaders {
    /// Whether it is 64-bit.
    pub is_64: bool,
    /// The processor, as ELF's `e_machine`.
    pub machine: u16,
    /// The program interpreter (`ld.so`); libraries and static programs have none.
    pub interpreter: Option<String>,
    /// Names of the shared libraries it needs, in its order.
    pub needed: Vec<String>,
    /// `DT_RPATH`, split at colons. The loader ignores it if there is a run path.
    pub rpath: Vec<String>,
    /// `DT_RUNPATH`, split at colons.
    pub runpath: Vec<String>,
}

impl ElfHeaders {
    /// Parses the headers in a file's content.
    ///
    /// # Errors
    /// When it is not an ELF file, or a damaged one. The message names `path`.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self> {
        let not_elf = || {
            let what = if content.starts_with(b"#!") { "a script" } else { "something else" };
            Error::environment(format!(
                "{} is not an ELF executable or library but {what}",
                path.display()
            ))
        };
        let read = match FileKind::parse(content) {
            Ok(FileKind::Elf32) => Self::read::<elf::FileHeader32<Endianness>>(content),
            Ok(FileKind::Elf64) => Self::read::<elf::FileHeader64<Endianness>>(content),
            _ => return Err(not_elf()),
        };
        read.map_err(|cause| {
            Error::environment(format!("{} has damaged ELF headers", path.display()))
                .caused_by(cause)
        })
    }

    /// Whether it runs without any libraries.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.interpreter.is_none() && self.needed.is_empty()
    }

    /// Whether the loader would accept `other` as a library of this file.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        self.is_64 == other.is_64 && self.machine == other.machine
    }

    fn read<Elf: FileHeader<Endian = Endianness>>(content: &[u8]) -> object::read::Result<Self> {
        let header = Elf::parse(content)?;
        let endian = header.endian()?;
        let mut headers = Self {
            is_64: header.is_class_64(),
            machine: header.e_machine(endian).0,
            interpreter: None,
            needed: Vec::new(),
            rpath: Vec::new(),
            runpath: Vec::new(),
        };
        // Program headers rather than sections: only they must exist at run time.
        let segments = header.program_headers(endian, content)?;
        for segment in segments {
            if let Some(name) = segment.interpreter(endian, content)? {
                headers.interpreter = Some(text(name));
            }
            let Some(entries) = segment.dynamic(endian, content)? else { continue };
            let entries = || entries.iter().take_while(|entry| entry.tag(endian) != elf::DT_NULL);
            let value = |tag| {
                entries().find(|entry| entry.tag(endian) == tag).map(|entry| entry.val(endian))
            };
            // The string table is given as an address; a loaded segment maps it to the file.
            let table = match (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) {
                (Some(address), Some(size)) => segments
                    .iter()
                    .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
                    .find_map(|load| load.data_range(endian, content, address, size).ok()?),
                _ => None,
            };
            let table = table.unwrap_or_default();
            let strings = StringTable::new(table, 0, table.len() as u64);
            for entry in entries() {
                let string = || entry.string(endian, strings).map(text);
                match entry.tag(endian) {
                    elf::DT_NEEDED => headers.needed.push(string()?),
                    elf::DT_RPATH => headers.rpath = folders(&string()?),
                    elf::DT_RUNPATH => headers.runpath = folders(&string()?),
                    _ => {}
                }
            }
        }
        Ok(headers)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folders(list: &str) -> Vec<String> {
    list.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_has_an_interpreter_and_libraries() {
        let path = std::env::current_exe().unwrap();
        let headers = ElfHeaders::parse(&path, &std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(headers.is_64, cfg!(target_pointer_width = "64"));
        assert!(headers.interpreter.as_ref().is_some_and(|name| name.starts_with('/')));
        assert!(headers.needed.iter().any(|name| name.starts_with("libc.")), "{headers:?}");
        assert!(!headers.is_static());
        assert!(headers.fits(&headers));
    }

    #[test]
    fn other_files_are_described_in_the_error() {
        let parse = |content: &[u8]| ElfHeaders::parse(Path::new("/x"), content).unwrap_err();
        assert_eq!(
            parse(b"#!/bin/sh\nexit 0\n").to_string(),
            "/x is not an ELF executable or library but a script"
        );
        assert!(parse(b"").to_string().contains("something else"));
        assert!(parse(b"\x7fELF\x02\x01\x01\0").to_string().contains("/x"));
    }
}

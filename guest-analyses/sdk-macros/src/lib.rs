//! `#[belljar_sdk::analysis]`: everything about an analysis that is not the analysis.

use std::env;
use std::path::Path;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::Expr;
use syn::ExprLit;
use syn::Ident;
use syn::ItemFn;
use syn::Lit;
use syn::Meta;
use syn::Token;
use syn::parse::Parse;
use syn::parse::ParseStream;
use syn::parse_macro_input;

/// Makes an analysis of a function from sample and args to a result.
///
/// Its doc comment is the description, `Cargo.toml` has name, version, license, authors and homepage, the types have the
/// schemas (`serde`, `schemars::JsonSchema`). What else a descriptor may say is said here, as JSON:
///
/// ```text
/// #[analysis(accepts = ["text/*"], limits = { "wall_ms": 5000 }, examples = [{ "input_text": "a b", "result": { "words": 2 } }])]
/// ```
///
/// In a program (`src/main.rs`) it is the entry point of a WASI command; in a library (`src/lib.rs`, `crate-type =
/// ["cdylib"]`, feature `typed` of the SDK) that of a component of the typed world. `cargo test` writes `descriptor.json`
/// beside `Cargo.toml`, tells when it has changed, and runs the examples; the module carries it.
#[proc_macro_attribute]
pub fn analysis(members: TokenStream, function: TokenStream) -> TokenStream {
    let members = parse_macro_input!(members as Members);
    let function = parse_macro_input!(function as ItemFn);
    let target = if env::var_os("CARGO_BIN_NAME").is_some() { Target::Program } else { Target::Library };
    let folder = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let descriptor = Path::new(&folder).join("descriptor.json");
    let descriptor = if descriptor.exists() { Descriptor::Written } else { Descriptor::Missing };
    expand(&members, &function, (target, descriptor)).into()
}

/// What the function stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Program,
    Library,
}

/// Whether there is one to be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Descriptor {
    Written,
    Missing,
}

fn expand(Members(members): &Members, function: &ItemFn, (target, descriptor): (Target, Descriptor)) -> Tokens {
    let name = &function.sig.ident;
    let description = description(function);
    let members = members.iter().map(|Member { name, value }| {
        let name = name.to_string();
        quote! { #name: #value }
    });
    let carried = match descriptor {
        Descriptor::Written => {
            quote! { ::belljar_sdk::section!(concat!(env!("CARGO_MANIFEST_DIR"), "/descriptor.json")); }
        }
        Descriptor::Missing => quote! {
            #[cfg(target_family = "wasm")]
            compile_error!("there is no descriptor.json yet: `cargo test` writes it");
        },
    };
    let entry = match target {
        Target::Program => quote! { fn main() { ::belljar_sdk::run(#name); } },
        Target::Library => quote! { #[cfg(target_family = "wasm")] ::belljar_sdk::export_typed!(#name); },
    };
    quote! {
        #function
        #carried
        #entry
        #[cfg(test)]
        #[test]
        fn the_descriptor_is_current_and_its_examples_hold() {
            let package = ::belljar_sdk::package!(#description);
            let members = ::belljar_sdk::serde_json::json!({ #(#members),* });
            ::belljar_sdk::contract::hold(&package, members, #name);
        }
    }
}

/// The doc comment, as one text.
fn description(function: &ItemFn) -> String {
    let line = |attribute: &syn::Attribute| match &attribute.meta {
        Meta::NameValue(it) if it.path.is_ident("doc") => match &it.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    };
    function.attrs.iter().filter_map(line).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// `name = JSON, …`
struct Members(Vec<Member>);

struct Member {
    name: Ident,
    /// For `json!`, which says itself what is wrong with it.
    value: Tokens,
}

impl Parse for Members {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut members = Vec::new();
        while !input.is_empty() {
            let name = input.parse()?;
            input.parse::<Token![=]>()?;
            let mut value = Tokens::new();
            while !input.is_empty() && !input.peek(Token![,]) {
                value.extend(std::iter::once(input.parse::<proc_macro2::TokenTree>()?));
            }
            if value.is_empty() {
                return Err(input.error("a value is wanted, as JSON"));
            }
            members.push(Member { name, value });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Self(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_json_by_name() {
        let members = |text: &str| {
            let Members(members) = syn::parse_str(text)?;
            Ok::<_, syn::Error>(members.iter().map(|it| format!("{}: {}", it.name, it.value)).collect::<Vec<_>>())
        };
        let found = members(r#"accepts = ["text/*", "a/b"], limits = { "wall_ms": 5 }, numbered = true,"#).unwrap();
        assert_eq!(found, [r#"accepts: ["text/*" , "a/b"]"#, r#"limits: { "wall_ms" : 5 }"#, "numbered: true"]);
        assert!(members("accepts").is_err() && members("accepts =").is_err() && members("= 3").is_err());
        assert_eq!(members("").unwrap(), [""; 0]);
    }

    #[test]
    fn the_doc_comment_is_the_description() {
        let function = syn::parse_str("/// Counts words\n/// of a text.\n#[inline]\nfn a() {}").unwrap();
        assert_eq!(description(&function), "Counts words of a text.");
    }

    #[test]
    fn a_program_has_a_main_and_a_library_an_export() {
        let function = syn::parse_str("fn a() {}").unwrap();
        let of = |target, descriptor| expand(&Members(Vec::new()), &function, (target, descriptor)).to_string();
        let [program, library] = [Target::Program, Target::Library].map(|it| of(it, Descriptor::Written));
        assert!(program.contains("fn main") && !program.contains("export_typed"));
        assert!(library.contains("export_typed") && !library.contains("fn main"));
        let bare = of(Target::Program, Descriptor::Missing);
        assert!(bare.contains("compile_error") && !program.contains("compile_error"));
    }
}

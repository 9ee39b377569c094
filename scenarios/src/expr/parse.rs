//! From tokens to a tree, by precedence. From loose to tight: `implies` (to the right), `or`, `and`,
//! `not`, comparisons (not chained), `+ -`, `* /`, a sign, `@ {} []`.

use super::ast::{Arg, Ast, Kind, MatchOp, Matcher, Op};
use super::error::ExprError;
use super::token::{self, Token, tokens};
use super::unit::Dim;
use std::ops::Range;

type Result<T> = std::result::Result<T, ExprError>;

const IMPLIES: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const COMPARE: u8 = 5;
const SUM: u8 = 6;
const PRODUCT: u8 = 7;
const SIGN: u8 = 8;

/// How deep brackets, calls and signs may nest.
const DEPTH_MAX: usize = 50;

/// Words that are no names.
const WORDS: [&str; 5] = ["and", "or", "not", "implies", "in"];

pub(super) fn parse(text: &str) -> Result<Ast> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len(), depth: 0 };
    if tokens.is_empty() {
        return Err(ExprError::new(0..text.len(), "an expression is missing"));
    }
    let ast = parser.expression(0)?;
    match parser.peek() {
        None => Ok(ast),
        Some(token) => Err(parser.unexpected(token, "the end of the expression")),
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    end: usize,
    depth: usize,
}

fn wide(left: &Ast, right: &Ast) -> Range<usize> {
    left.span.start..right.span.end
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }
    fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        token
    }
    fn sees(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token { kind: token::Kind::Sign(s), .. }) if *s == sign)
    }
    fn takes(&mut self, sign: &str) -> bool {
        let sees = self.sees(sign);
        self.at += usize::from(sees);
        sees
    }
    fn word_at(&self, at: usize) -> Option<&'t str> {
        match &self.tokens.get(at)?.kind {
            token::Kind::Name(name) => Some(name),
            _ => None,
        }
    }
    fn unexpected(&self, token: &Token, expected: &str) -> ExprError {
        let found = match &token.kind {
            token::Kind::Number { .. } => "a number".to_owned(),
            token::Kind::Text(text) => format!("\"{text}\""),
            token::Kind::Name(name) => format!("`{name}`"),
            token::Kind::Sign(sign) => format!("`{sign}`"),
        };
        let error = ExprError::new(token.span.clone(), format!("expected {expected}, got {found}"));
        match &token.kind {
            token::Kind::Sign("=") => error.hint("`==` compares"),
            token::Kind::Sign("±") => error.hint("a tolerance follows `~=`: x ~= 5MW ± 2%"),
            token::Kind::Name(name) if super::unit::find(name).is_some() => {
                error.hint("a unit follows its number without a space: 5MW")
            }
            _ => error,
        }
    }
    fn ends(&self, expected: &str) -> ExprError {
        ExprError::new(self.end..self.end, format!("the expression ends where {expected} must be"))
    }
    fn expect(&mut self, sign: &'static str) -> Result<Range<usize>> {
        let expected = format!("`{sign}`");
        match self.next() {
            Some(token) if token.kind == token::Kind::Sign(sign) => Ok(token.span.clone()),
            Some(token) => Err(self.unexpected(token, &expected)),
            None => Err(self.ends(&expected)),
        }
    }

    /// What binds tighter than `loosest`.
    fn expression(&mut self, loosest: u8) -> Result<Ast> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let span = self.peek().map_or(self.end..self.end, |token| token.span.clone());
            return Err(ExprError::new(span, "the expression is nested too deep"));
        }
        let mut left = self.operand()?;
        while let Some((op, precedence)) = self.operator() {
            if precedence < loosest {
                break;
            }
            left = self.after(left, op, precedence)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<(&'t str, u8)> {
        let token = self.peek()?;
        Some(match &token.kind {
            token::Kind::Name(name) => match name.as_str() {
                "implies" => ("implies", IMPLIES),
                "or" => ("or", OR),
                "and" => ("and", AND),
                "in" => ("in", COMPARE),
                "not" if self.word_at(self.at + 1) == Some("in") => ("not in", COMPARE),
                _ => return None,
            },
            token::Kind::Sign(sign) => match *sign {
                "==" | "!=" | "<" | "<=" | ">" | ">=" | "~=" => (sign, COMPARE),
                "+" | "-" => (sign, SUM),
                "*" | "/" => (sign, PRODUCT),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// An operator and its right side.
    fn after(&mut self, left: Ast, op: &str, precedence: u8) -> Result<Ast> {
        self.at += 1 + usize::from(op == "not in");
        let (left, right) = match op {
            "in" | "not in" => {
                let set = self.set()?;
                let span = left.span.start..self.tokens[self.at - 1].span.end;
                let kind = Kind::OneOf { left: Box::new(left), set };
                let one_of = Ast { span: span.clone(), kind };
                let ast = if op == "in" {
                    one_of
                } else {
                    Ast { span, kind: Kind::Not(Box::new(one_of)) }
                };
                return self.not_chained(ast);
            }
            // To the right: a implies b implies c is a implies (b implies c).
            "implies" => (left, self.expression(IMPLIES)?),
            _ => (left, self.expression(precedence + 1)?),
        };
        if op == "~=" {
            if !self.takes("±") {
                let span = wide(&left, &right);
                return Err(ExprError::new(span, "`~=` lacks its tolerance")
                    .hint("say how close: x ~= 5MW ± 2%"));
            }
            let tolerance = self.expression(COMPARE + 1)?;
            let span = wide(&left, &tolerance);
            let (left, right) = (Box::new(left), Box::new(right));
            let kind = Kind::Near { left, right, tolerance: Box::new(tolerance) };
            return self.not_chained(Ast { span, kind });
        }
        let span = wide(&left, &right);
        let op = match op {
            "implies" => Op::Implies,
            "or" => Op::Or,
            "and" => Op::And,
            "==" => Op::Equal,
            "!=" => Op::NotEqual,
            "<" => Op::Less,
            "<=" => Op::LessOrEqual,
            ">" => Op::Greater,
            ">=" => Op::GreaterOrEqual,
            "+" => Op::Plus,
            "-" => Op::Minus,
            "*" => Op::Times,
            _ => Op::Over,
        };
        let kind = Kind::Binary { op, left: Box::new(left), right: Box::new(right) };
        let ast = Ast { span, kind };
        if precedence == COMPARE { self.not_chained(ast) } else { Ok(ast) }
    }

    fn not_chained(&self, ast: Ast) -> Result<Ast> {
        match (self.operator(), self.peek()) {
            (Some((_, COMPARE)), Some(token)) => {
                Err(ExprError::new(token.span.clone(), "comparisons cannot be chained")
                    .hint("write `a < b and b < c`"))
            }
            _ => Ok(ast),
        }
    }

    fn set(&mut self) -> Result<Vec<Ast>> {
        self.expect("{")?;
        let mut set = Vec::new();
        while !self.takes("}") {
            if !set.is_empty() {
                self.expect(",")?;
            }
            set.push(self.expression(SUM)?);
        }
        if set.is_empty() {
            let span = self.tokens[self.at - 1].span.clone();
            return Err(ExprError::new(span, "the set is empty").hint("state(x) in {fault, off}"));
        }
        Ok(set)
    }

    fn operand(&mut self) -> Result<Ast> {
        let Some(token) = self.next() else {
            return Err(self.ends("a value"));
        };
        let span = token.span.clone();
        let kind = match &token.kind {
            token::Kind::Number { value, dim, is_percent } => {
                let (value, dim, is_percent) = (*value, *dim, *is_percent);
                Kind::Number { value, dim, is_percent }
            }
            token::Kind::Text(text) => Kind::Text(text.clone()),
            token::Kind::Sign("(") => {
                let inner = self.expression(0)?;
                let end = self.expect(")")?.end;
                return self.postfix(Ast { span: span.start..end, kind: inner.kind });
            }
            token::Kind::Sign("-") => {
                let inner = self.expression(SIGN)?;
                let span = span.start..inner.span.end;
                return Ok(Ast { span, kind: Kind::Minus(Box::new(inner)) });
            }
            token::Kind::Name(name) if name == "not" => {
                let inner = self.expression(NOT)?;
                let span = span.start..inner.span.end;
                return Ok(Ast { span, kind: Kind::Not(Box::new(inner)) });
            }
            token::Kind::Name(name) if self.sees("(") => {
                let (args, end) = self.args()?;
                let call = Kind::Call { name: name.clone(), args };
                return self.postfix(Ast { span: span.start..end, kind: call });
            }
            token::Kind::Name(name) if !WORDS.contains(&name.as_str()) => Kind::Name(name.clone()),
            _ => return Err(self.unexpected(token, "a value")),
        };
        self.postfix(Ast { span, kind })
    }

    fn args(&mut self) -> Result<(Vec<Arg>, usize)> {
        self.expect("(")?;
        let mut args = Vec::new();
        while !self.sees(")") {
            if !args.is_empty() {
                self.expect(",")?;
            }
            let named = self.tokens.get(self.at + 1).map(|token| &token.kind);
            let name = match (self.word_at(self.at), named) {
                (Some(name), Some(token::Kind::Sign("="))) => {
                    let span = self.tokens[self.at].span.clone();
                    self.at += 2;
                    Some((name.to_owned(), span))
                }
                _ => None,
            };
            args.push(Arg { name, value: self.expression(0)? });
        }
        let end = self.expect(")")?.end;
        Ok((args, end))
    }

    /// `@target`, `{label="…"}`, `[30s]` after an operand.
    fn postfix(&mut self, operand: Ast) -> Result<Ast> {
        let mut ast = operand;
        let start = ast.span.start;
        let (mut at, mut matchers) = (None, Vec::new());
        loop {
            if self.takes("@") {
                let name = self.word_at(self.at).map(str::to_owned);
                let Some(token) = self.next() else { return Err(self.ends("a target")) };
                let Some(name) = name else {
                    return Err(self.unexpected(token, "the name of a target"));
                };
                if at.replace((name, token.span.clone())).is_some() {
                    return Err(ExprError::new(token.span.clone(), "a second target"));
                }
            } else if self.sees("{") {
                self.matchers(&mut matchers)?;
            } else {
                break;
            }
        }
        if at.is_some() || !matchers.is_empty() {
            let span = start..self.tokens[self.at - 1].span.end;
            ast = Ast { span, kind: Kind::Select { inner: Box::new(ast), at, matchers } };
        }
        if self.takes("[") {
            let seconds = match self.next() {
                Some(Token { kind: token::Kind::Number { value, dim, .. }, span }) => {
                    if *dim != Some(Dim::TIME) || *value <= 0.0 {
                        return Err(ExprError::new(span.clone(), "a window is a time above 0")
                            .hint("[30s], [5m]"));
                    }
                    *value
                }
                Some(token) => return Err(self.unexpected(token, "the length of the window")),
                None => return Err(self.ends("the length of the window")),
            };
            let end = self.expect("]")?.end;
            ast = Ast { span: start..end, kind: Kind::Window { inner: Box::new(ast), seconds } };
        }
        Ok(ast)
    }

    fn matchers(&mut self, all: &mut Vec<Matcher>) -> Result<()> {
        self.expect("{")?;
        let mut is_first = true;
        while !self.takes("}") {
            if !is_first {
                self.expect(",")?;
            }
            is_first = false;
            let label = self.word_at(self.at).map(str::to_owned);
            let Some(token) = self.next() else { return Err(self.ends("a label")) };
            let Some(label) = label else { return Err(self.unexpected(token, "a label")) };
            let label_span = token.span.clone();
            let Some(token) = self.next() else { return Err(self.ends("`=`")) };
            let op = match token.kind {
                token::Kind::Sign("=" | "==") => MatchOp::Is,
                token::Kind::Sign("!=") => MatchOp::IsNot,
                token::Kind::Sign("=~") => MatchOp::Matches,
                token::Kind::Sign("!~") => MatchOp::MatchesNot,
                _ => return Err(self.unexpected(token, "one of = != =~ !~")),
            };
            let Some(token) = self.next() else { return Err(self.ends("a value in quotes")) };
            let (value, is_text) = match &token.kind {
                token::Kind::Text(text) => (text.clone(), true),
                token::Kind::Name(name) => (name.clone(), false),
                token::Kind::Number { value, dim: None, .. } => (value.to_string(), true),
                _ => return Err(self.unexpected(token, "a value in quotes")),
            };
            let value_span = token.span.clone();
            all.push(Matcher { label, label_span, op, value, is_text, value_span });
        }
        Ok(())
    }
}

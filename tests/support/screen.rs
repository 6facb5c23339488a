//! A small terminal: enough of a VT100 to say what stands on the screen after the bytes of a display.

/// Rows and columns of characters, a cursor, and nothing else. A changed width cuts or fills rows: no reflow.
pub(crate) struct Screen {
    rows: Vec<Vec<char>>,
    columns: usize,
    row: usize,
    column: usize,
    /// Rows that scrolled out at the top.
    gone: Vec<String>,
}

impl Screen {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let blank = vec![' '; columns];
        Self { rows: vec![blank; rows], columns, row: 0, column: 0, gone: Vec::new() }
    }

    pub(crate) fn resize(&mut self, rows: usize, columns: usize) {
        self.columns = columns;
        while self.rows.len() > rows {
            if self.row + 1 < self.rows.len() {
                self.rows.pop();
            } else {
                let top = self.rows.remove(0);
                self.gone.push(text(&top));
                self.row -= 1;
            }
        }
        self.rows.resize(rows, Vec::new());
        self.rows.iter_mut().for_each(|row| row.resize(columns, ' '));
        self.column = self.column.min(columns - 1);
    }

    /// Takes in bytes. Panics on a sequence that it does not know: the display must not use more than this.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.down(),
                '\x1b' => {
                    assert_eq!(chars.next(), Some('['));
                    let mut number = String::new();
                    let last = chars.by_ref().find(|c| {
                        number.push(*c);
                        c.is_ascii_alphabetic()
                    });
                    number.pop();
                    self.control(last.expect("a whole sequence"), &number);
                }
                c => self.put(c),
            }
        }
    }

    fn control(&mut self, last: char, number: &str) {
        match (last, number) {
            ('A', number) => self.row = self.row.saturating_sub(number.parse().unwrap()),
            ('K', "") => self.rows[self.row][self.column.min(self.columns - 1)..].fill(' '),
            ('J', "") => {
                self.control('K', "");
                self.rows[self.row + 1..].iter_mut().for_each(|row| row.fill(' '));
            }
            ('m', _) => {}
            other => panic!("a sequence that not every terminal has: {other:?}"),
        }
    }

    fn put(&mut self, c: char) {
        assert!(!c.is_control(), "a control character reached the screen: {c:?}");
        if self.column == self.columns {
            self.column = 0;
            self.down();
        }
        self.rows[self.row][self.column] = c;
        self.column += 1;
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            let top = self.rows.remove(0);
            self.gone.push(text(&top));
            self.rows.push(vec![' '; self.columns]);
            self.row -= 1;
        }
    }

    /// The rows that hold something, without blanks at their ends.
    pub(crate) fn shown(&self) -> Vec<String> {
        let mut rows: Vec<String> = self.rows.iter().map(|row| text(row)).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// The rows that hold something, with those that scrolled out.
    pub(crate) fn all(&self) -> Vec<String> {
        self.gone.iter().cloned().chain(self.shown()).collect()
    }

    /// Row and column of the cursor, from 0.
    pub(crate) fn cursor(&self) -> (usize, usize) {
        (self.row, self.column)
    }
}

fn text(row: &[char]) -> String {
    row.iter().collect::<String>().trim_end().to_owned()
}

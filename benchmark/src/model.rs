//! Straight lines through measurements.

/// Least squares: the factors by which each row of `inputs` best sums up to its output, and R². `None` if the inputs do not
/// determine them.
pub fn fit<const N: usize>(inputs: &[[f64; N]], outputs: &[f64]) -> Option<([f64; N], f64)> {
    let mut normal = [[0.0; N]; N];
    let mut right = [0.0; N];
    for (row, output) in inputs.iter().zip(outputs) {
        for i in 0..N {
            right[i] += row[i] * output;
            for j in 0..N {
                normal[i][j] += row[i] * row[j];
            }
        }
    }
    let factors = solve(normal, right)?;
    let mean = outputs.iter().sum::<f64>() / outputs.len() as f64;
    let total: f64 = outputs.iter().map(|output| (output - mean).powi(2)).sum();
    let missed: f64 = inputs
        .iter()
        .zip(outputs)
        .map(|(row, output)| {
            let predicted: f64 = row.iter().zip(&factors).map(|(input, factor)| input * factor).sum();
            (output - predicted).powi(2)
        })
        .sum();
    Some((factors, 1.0 - missed / total))
}

/// Gaussian elimination with partial pivoting.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-9 {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..N {
            let factor = matrix[row][column] / matrix[column][column];
            let above = matrix[column];
            for (value, over) in matrix[row].iter_mut().zip(above).skip(column) {
                *value -= factor * over;
            }
            right[row] -= factor * right[column];
        }
    }
    for column in (0..N).rev() {
        for i in column + 1..N {
            right[column] -= matrix[column][i] * right[i];
        }
        right[column] /= matrix[column][column];
    }
    Some(right)
}

/// The value in the middle; of an even number, the mean of the two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_found() {
        let inputs: Vec<[f64; 3]> = (0..20).map(|i| [1.0, f64::from(i % 5), f64::from(i * i)]).collect();
        let outputs: Vec<f64> = inputs.iter().map(|[one, x, y]| 3.0 * one + 2.0 * x - 0.5 * y).collect();
        let ([one, x, y], fitted) = fit(&inputs, &outputs).expect("the inputs differ");
        assert!((one - 3.0).abs() < 1e-6 && (x - 2.0).abs() < 1e-6 && (y + 0.5).abs() < 1e-6);
        assert!(fitted > 0.999_999);
    }

    #[test]
    fn inputs_that_are_alike_determine_nothing() {
        assert!(fit(&[[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], &[1.0, 2.0, 3.0]).is_none());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}

// longform_creative_writing.js
let leaderboardDataLongformV3 = `model_name,overall_score_100,avg_chapter_length,vocab_complexity,slop_score,repetition_score,chapter1_avg,chapter2_avg,chapter3_avg,chapter4_avg,chapter5_avg,chapter6_avg,chapter7_avg,chapter8_avg,final_judgement_avg
*claude-sonnet-4-6,79.9,6893,34.86,10.56,5.5,16.49,16.39,16.19,15.98,16.55,16.45,16.62,16.55,15.91
google/gemma-3-12b-it,41.8,4344,51.88,81.33,13.0,9.64,8.80,8.63,7.76,7.60,7.37,6.77,6.73,7.73
qwen/qwen3-14b,35.9,5368,24.32,108.58,30.3,9.58,9.13,8.50,7.77,7.00,6.86,6.20,5.11,5.22
google/gemma-3-4b-it,34.4,4244,59.42,108.99,14.8,8.65,8.19,7.88,7.05,6.22,6.13,5.60,4.95,6.08
mistralai/Ministral-3-14B-Instruct-2512,31.9,8065,11.53,53.85,21.9,9.82,8.71,6.81,6.37,5.25,4.33,4.90,4.30,5.54
mistralai/Mistral-Nemo-Instruct-2407,28.7,7388,37.95,75.35,27.4,8.32,7.28,6.61,5.48,5.16,4.98,4.31,2.93,4.46
qwen/qwen3-4b,17.0,8956,25.92,112.18,29.2,6.37,5.31,4.39,4.04,3.22,2.63,2.45,2.33,2.91
google/gemma-4-12B-it,48.7,6150,33.02,65.05,8.7,13.16,12.32,10.89,10.20,10.13,9.71,10.40,9.97,9.68`

// creative_writing_v3.js


let leaderboardDataCreativeWritingV3 = `
model_name,elo_score,creative_writing_score,avg_length,vocab_complexity,slop_score,repetition_score
claude-opus-4-7,2044.9,16.57,5692,26.76,11.09,4.00
google/gemma-4-12B-it,1282.1,15.71,6900,32.85,32.31,6.52
allura-org/Gemma-3-Glitter-12B,1167.9,14.34,7934,41.37,43.91,6.55
google/gemma-3-12b-it,1164.5,14.63,7150,45.86,44.30,5.87
google/gemma-3-4b-it,1113.3,13.91,6509,51.77,48.78,8.74
ifable/gemma-2-Ifable-9B,1088.2,13.33,5324,66.98,43.29,6.57
mistralai/Mistral-Nemo-Instruct-2407,963.4,9.51,7013,30.32,56.72,14.14
ToastyPigeon/Gemma-3-Starshine-12B,948.7,9.63,7973,29.74,46.09,8.38
google/gemma-2-9b-it,946.0,11.16,4120,39.98,67.68,13.42
liquid/lfm-7b,831.6,9.14,6230,49.84,57.57,7.05
meta-llama/llama-3.1-8b-instruct,808.0,8.89,4709,37.45,53.28,12.59
meta-llama/llama-3.2-3b-instruct,703.3,8.18,4759,37.38,57.45,14.83
__metadata__,N/A,N/A,0,N/A,N/A,0.00
`

const slopData = `##### claude-opus-5
`
